/** A template as CloudFormation gets it. */
export interface TemplateJson {
  readonly Parameters: Readonly<Record<string, { readonly Default?: unknown }>>;
  readonly Conditions: Readonly<Record<string, unknown>>;
  readonly Resources: Readonly<Record<string, TemplateResource>>;
  readonly Outputs: Readonly<Record<string, { readonly Value: unknown; readonly Condition?: string }>>;
}

export interface TemplateResource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
  readonly Condition?: string;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
}

/** What a resource became: what `Ref` gives, and its attributes. */
export interface Made {
  readonly ref: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** Works out a template's intrinsic functions; `made` is asked for what a resource became. */
export class Intrinsics {
  readonly #template: TemplateJson;
  readonly #known: Readonly<Record<string, unknown>>;
  readonly #made: (logicalId: string) => Promise<Made>;

  constructor(
    template: TemplateJson,
    parameters: Readonly<Record<string, unknown>>,
    made: (logicalId: string) => Promise<Made>,
  ) {
    const defaults = Object.entries(template.Parameters).map(([name, { Default }]) => [name, Default]);
    this.#template = template;
    this.#known = {
      'AWS::Region': 'us-east-1',
      'AWS::AccountId': '000000000000',
      'AWS::Partition': 'aws',
      'AWS::StackName': 'Armada',
      'AWS::URLSuffix': 'amazonaws.com',
      ...Object.fromEntries(defaults),
      ...parameters,
    };
    this.#made = made;
  }

  /** Whether a resource or output with this condition exists. */
  holds(condition: string | undefined): boolean {
    return condition === undefined || this.#truth(this.#template.Conditions[condition]);
  }

  async text(value: unknown): Promise<string> {
    return String(await this.resolve(value));
  }

  /** The value, with every function in it worked out; `AWS::NoValue` becomes undefined. */
  async resolve(value: unknown): Promise<unknown> {
    if (Array.isArray(value))
      return (await inTurn(value, each => this.resolve(each))).filter(each => each !== undefined);
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value);
    const [name, argument] = entries.length === 1 ? entries[0]! : ['', undefined];
    if (name === 'Ref' || name.startsWith('Fn::')) return this.#call(name, argument);
    return Object.fromEntries(await inTurn(entries, async ([key, each]) => [key, await this.resolve(each)]));
  }

  async #call(name: string, argument: unknown): Promise<unknown> {
    const list = argument as readonly unknown[];
    if (name === 'Ref') {
      if (argument === 'AWS::NoValue') return undefined;
      const known = this.#known[argument as string];
      return known !== undefined ? known : (await this.#made(argument as string)).ref;
    }
    if (name === 'Fn::GetAtt') {
      const [logicalId, attribute] = list as [string, string];
      return (await this.#made(logicalId)).attributes[attribute] ?? `${logicalId}.${attribute}`;
    }
    if (name === 'Fn::If') return this.resolve(this.holds(list[0] as string) ? list[1] : list[2]);
    if (name === 'Fn::Join') return ((await this.resolve(list[1])) as unknown[]).join(list[0] as string);
    if (name === 'Fn::Select') return ((await this.resolve(list[1])) as unknown[])[Number(list[0])];
    if (name === 'Fn::Split') return (await this.text(list[1])).split(list[0] as string);
    if (name === 'Fn::GetAZs') return ['us-east-1a', 'us-east-1b'];
    if (name === 'Fn::Base64') return this.resolve(argument);
    throw new Error(`the template uses ${name}, which is not worked out here`);
  }

  #truth(condition: unknown): boolean {
    const [name, argument] = Object.entries(condition as object)[0]!;
    const list = argument as readonly unknown[];
    if (name === 'Condition') return this.holds(argument);
    if (name === 'Fn::Not') return !this.#truth(list[0]);
    if (name === 'Fn::And') return list.every(each => this.#truth(each));
    if (name === 'Fn::Or') return list.some(each => this.#truth(each));
    if (name === 'Fn::Equals') return this.#plain(list[0]) === this.#plain(list[1]);
    throw new Error(`the template’s conditions use ${name}, which is not worked out here`);
  }

  #plain(value: unknown): unknown {
    return typeof value === 'object' && value !== null && 'Ref' in value ? this.#known[value.Ref as string] : value;
  }
}

/** One after the other: two ways to one resource must not make it twice. */
async function inTurn<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const done: R[] = [];
  for (const item of items) done.push(await work(item));
  return done;
}
