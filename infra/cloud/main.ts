import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { sizes } from '../../api/resources/sizes.ts';
import { createStack, stackName } from './app.ts';

/**
 * `npm run synth`: writes the CloudFormation template to dist/armada.template.json. `--images` and `--tag` become the
 * defaults of its parameters, so that who gets the template types an address and nothing else.
 */

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: 'small' },
    images: { type: 'string', default: '' },
    tag: { type: 'string', default: 'latest' },
  },
});
const size = Object.values(sizes).find(candidate => candidate.name === values.size);
if (!size) {
  console.error(`--size takes ${Object.keys(sizes).join(' or ')}, not ‘${values.size}’.`);
  process.exit(2);
}
const template = createStack(size, { prefix: values.images, tag: values.tag })
  .app.synth()
  .getStackByName(stackName).template;
const text = `${JSON.stringify(template, null, 1)}\n`;
mkdirSync('dist', { recursive: true });
writeFileSync('dist/armada.template.json', text);
console.log(
  `dist/armada.template.json: ${Object.keys(template.Resources).length} resources, ${Math.ceil(text.length / 1024)} KB`,
);
