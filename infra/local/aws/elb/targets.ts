import type { Target, TargetGroups, TargetState } from '../ports.ts';
import type { Account } from './account.ts';
import { attribute, targetGroupAttributes } from './attributes.ts';
import type { RuleChange } from './rule-index.ts';
import type { TargetRow } from './tables.ts';

/** AWS's reasons for a state other than healthy. */
export type TargetReason =
  | 'Elb.InitialHealthChecking'
  | 'Target.FailedHealthChecks'
  | 'Target.DeregistrationInProgress'
  | 'Target.NotInUse';

/** Something open to a target, ended when its deregistration delay is over. */
export interface Connection {
  destroy(): void;
}

/** A registered target as it is now. */
export interface Member {
  readonly groupArn: string;
  readonly target: Target;
  readonly state: TargetState;
  /** Counts towards "no connection is left" while it drains. */
  readonly connections: Set<Connection>;
}

interface Registered extends Member {
  state: TargetState;
  row: TargetRow;
  endDraining: (() => void) | undefined;
  readonly drained: (() => void)[];
}

interface Group {
  readonly members: Map<string, Registered>;
  /** Where requests go now; undefined: to be worked out. */
  choices: readonly Member[] | undefined;
  turn: number;
}

type HealthListener = (arn: string, target: Target, state: TargetState) => void;
type MemberListener = (member: Member) => void;

const millisecondsPerSecond = 1_000;

/** The targets of all groups with their states, which health checks report and the balancer and ECS go by. */
export class Targets implements TargetGroups {
  readonly #account: Account;
  readonly #groups = new Map<string, Group>();
  readonly #healthListeners = new Set<HealthListener>();
  readonly #memberListeners = new Set<MemberListener>();

  constructor(account: Account) {
    this.#account = account;
    for (const row of account.tables.targets.all()) this.#add(row);
    account.rules.watch(change => this.#rulesChanged(change));
  }

  find(arn: string): { readonly associated: boolean } | undefined {
    return this.#account.tables.targetGroups.get(arn) && { associated: this.#account.rules.names(arn) };
  }

  register(arn: string, target: Target): void {
    const key = keyOf(arn, target);
    const known = this.#groups.get(arn)?.members.get(key);
    if (known && known.state !== 'draining') return;
    const row = { groupArn: arn, id: target.id, port: target.port, drainingUntil: null };
    this.#account.tables.targets.put(key, row);
    if (!known) {
      this.#add(row);
      return;
    }
    // Taken back in while it was still draining.
    known.row = row;
    this.#endDraining(known);
    this.#set(known, this.#firstState(arn));
  }

  deregister(arn: string, target: Target): Promise<void> {
    const member = this.#groups.get(arn)?.members.get(keyOf(arn, target));
    if (!member) return Promise.resolve();
    return new Promise(resolve => {
      member.drained.push(resolve);
      if (member.state === 'draining') return;
      const delay = this.#delayMilliseconds(arn);
      const drainingUntil = this.#account.clock.now() + delay;
      member.row = this.#account.tables.targets.put(keyOf(arn, target), { ...member.row, drainingUntil });
      this.#set(member, 'draining');
      this.#drain(member, delay);
    });
  }

  health(arn: string, target: Target): TargetState | undefined {
    return this.#groups.get(arn)?.members.get(keyOf(arn, target))?.state;
  }

  onHealth(listener: HealthListener): () => void {
    this.#healthListeners.add(listener);
    return () => this.#healthListeners.delete(listener);
  }

  /** Calls `listener` with every target that comes, goes or changes its state. */
  onMember(listener: MemberListener): void {
    this.#memberListeners.add(listener);
  }

  /** Whether the member is still registered. */
  has(member: Member): boolean {
    return this.#groups.get(member.groupArn)?.members.get(keyOf(member.groupArn, member.target)) === member;
  }

  membersOf(arn: string): readonly Member[] {
    return [...(this.#groups.get(arn)?.members.values() ?? [])];
  }

  all(): readonly Member[] {
    return [...this.#groups.values()].flatMap(group => [...group.members.values()]);
  }

  /** What a health check found out. Nothing happens to a target that drains, is unused or gone. */
  report(member: Member, state: 'initial' | 'healthy' | 'unhealthy'): void {
    const registered = this.#groups.get(member.groupArn)?.members.get(keyOf(member.groupArn, member.target));
    if (registered && registered === member && checked(registered.state)) this.#set(registered, state);
  }

  /** The target for the next request: healthy ones in turn; where none is, all in turn; undefined without any. */
  choose(arn: string): Member | undefined {
    const group = this.#groups.get(arn);
    if (!group) return undefined;
    group.choices ??= choicesOf([...group.members.values()]);
    group.turn = (group.turn + 1) % Math.max(1, group.choices.length);
    return group.choices[group.turn];
  }

  /** A connection to the target is no longer open. */
  release(member: Member, connection: Connection): void {
    member.connections.delete(connection);
    if (member.state !== 'draining' || member.connections.size) return;
    const registered = this.#groups.get(member.groupArn)?.members.get(keyOf(member.groupArn, member.target));
    if (registered === member && registered) this.#remove(registered);
  }

  /** The group's health check settings are other ones now. */
  groupChanged(arn: string): void {
    for (const member of this.#groups.get(arn)?.members.values() ?? []) this.#tellMember(member);
  }

  /** Forgets the group's targets at once. */
  forget(arn: string): void {
    for (const member of this.#groups.get(arn)?.members.values() ?? []) this.#remove(member);
    this.#groups.delete(arn);
  }

  /** Calls off all timers; nobody is told. */
  stop(): void {
    for (const group of this.#groups.values())
      for (const member of group.members.values()) {
        member.endDraining?.();
        member.endDraining = undefined;
      }
  }

  /** Takes up the deregistrations that were under way when the state was last open. */
  start(): void {
    for (const group of this.#groups.values())
      for (const member of [...group.members.values()]) {
        if (member.row.drainingUntil === null || member.endDraining) continue;
        this.#drain(member, Math.max(0, member.row.drainingUntil - this.#account.clock.now()));
      }
  }

  #add(row: TargetRow): void {
    const group = this.#groups.get(row.groupArn) ?? { members: new Map(), choices: undefined, turn: -1 };
    this.#groups.set(row.groupArn, group);
    const target = { id: row.id, port: row.port };
    const member: Registered = {
      groupArn: row.groupArn,
      target,
      row,
      state: row.drainingUntil === null ? this.#firstState(row.groupArn) : 'draining',
      connections: new Set(),
      endDraining: undefined,
      drained: [],
    };
    group.members.set(keyOf(row.groupArn, target), member);
    group.choices = undefined;
    this.#tell(member);
  }

  #drain(member: Registered, delay: number): void {
    if (member.connections.size) member.endDraining = this.#account.clock.after(delay, () => this.#remove(member));
    else this.#remove(member);
  }

  #remove(member: Registered): void {
    const key = keyOf(member.groupArn, member.target);
    const group = this.#groups.get(member.groupArn);
    if (group?.members.get(key) !== member) return;
    group.members.delete(key);
    group.choices = undefined;
    this.#account.tables.targets.delete(key);
    member.state = 'unused';
    this.#endDraining(member);
    for (const connection of [...member.connections]) connection.destroy();
    this.#tell(member);
  }

  #endDraining(member: Registered): void {
    member.endDraining?.();
    member.endDraining = undefined;
    for (const resolve of member.drained.splice(0)) resolve();
  }

  #rulesChanged({ targetGroupArns }: RuleChange): void {
    for (const arn of targetGroupArns) {
      const used = this.#account.rules.names(arn);
      for (const member of this.#groups.get(arn)?.members.values() ?? []) {
        if (used && member.state === 'unused') this.#set(member, 'initial');
        if (!used && checked(member.state)) this.#set(member, 'unused');
      }
    }
  }

  #firstState(arn: string): TargetState {
    return this.#account.rules.names(arn) ? 'initial' : 'unused';
  }

  #delayMilliseconds(arn: string): number {
    const set = this.#account.tables.targetGroups.get(arn)?.attributes ?? {};
    return (
      Number(attribute(targetGroupAttributes, set, 'deregistration_delay.timeout_seconds')) * millisecondsPerSecond
    );
  }

  #set(member: Registered, state: TargetState): void {
    if (member.state === state) return;
    member.state = state;
    const group = this.#groups.get(member.groupArn);
    if (group) group.choices = undefined;
    this.#tell(member);
  }

  #tell(member: Member): void {
    this.#tellMember(member);
    for (const listener of this.#healthListeners) listener(member.groupArn, member.target, member.state);
  }

  #tellMember(member: Member): void {
    for (const listener of this.#memberListeners) listener(member);
  }
}

/** AWS's reason for a state, where it has one. */
export function reasonOf(state: TargetState): TargetReason | undefined {
  switch (state) {
    case 'initial':
      return 'Elb.InitialHealthChecking';
    case 'unhealthy':
      return 'Target.FailedHealthChecks';
    case 'draining':
      return 'Target.DeregistrationInProgress';
    case 'unused':
      return 'Target.NotInUse';
    case 'healthy':
      return undefined;
  }
}

function keyOf(arn: string, target: Target): string {
  return `${arn} ${target.id} ${target.port}`;
}

function checked(state: TargetState): boolean {
  return state !== 'draining' && state !== 'unused';
}

function choicesOf(members: readonly Member[]): readonly Member[] {
  const healthy = members.filter(member => member.state === 'healthy');
  return healthy.length ? healthy : members.filter(member => checked(member.state));
}
