import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { createStack, stackName } from './app.ts';
import { sizes } from './sizes.ts';

/** `npm run synth`: writes the CloudFormation template to dist/armada.template.json. */

const { values } = parseArgs({ options: { size: { type: 'string', default: 'small' } } });
const size = Object.values(sizes).find(candidate => candidate.name === values.size);
if (!size) {
  console.error(`--size takes ${Object.keys(sizes).join(' or ')}, not ‘${values.size}’.`);
  process.exit(2);
}
const template = createStack(size).app.synth().getStackByName(stackName).template;
const text = `${JSON.stringify(template, null, 1)}\n`;
mkdirSync('dist', { recursive: true });
writeFileSync('dist/armada.template.json', text);
console.log(
  `dist/armada.template.json: ${Object.keys(template.Resources).length} resources, ${Math.ceil(text.length / 1024)} KB`,
);
