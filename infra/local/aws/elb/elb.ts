import type { Operations } from '../endpoint.ts';
import type { Target, TargetGroups, TargetState } from '../ports.ts';
import type { State } from '../state.ts';
import type { Account } from './account.ts';
import { createArns } from './arns.ts';
import { Balancer } from './balancer.ts';
import { createHttpProbe, HealthChecks, type Probe } from './health-checks.ts';
import { limitOperations } from './limits.ts';
import { listenerOperations } from './listeners.ts';
import { loadBalancerOperations } from './load-balancers.ts';
import { defaultQuotas, type Quotas } from './quotas.ts';
import { RuleIndex } from './rule-index.ts';
import { ruleOperations } from './rules.ts';
import type { ServedCertificate } from './site.ts';
import { openTables } from './tables.ts';
import { tagOperations } from './tags.ts';
import { targetGroupOperations } from './target-groups.ts';
import { targetOperations } from './target-operations.ts';
import { Targets } from './targets.ts';

/** What load balancing is told when it is made. */
export interface ElbOptions {
  readonly state: State;
  readonly region: string;
  readonly accountId: string;
  /** The real port on which a listener's port is served: 0 for any, undefined for none. */
  readonly ports: (listenerPort: number) => number | undefined;
  /** Addresses of this machine to listen on; loopback, IPv4 and IPv6, by default. */
  readonly addresses?: readonly string[];
  /** The certificate with this ARN, as ACM has it on AWS; there are none by default. */
  readonly certificate?: (arn: string) => ServedCertificate | undefined;
  /** What differs from AWS's default quotas. */
  readonly quotas?: Partial<Quotas>;
  /** Checks targets instead of an HTTP request, where there is nothing to connect to. */
  readonly probe?: Probe;
  readonly random?: () => number;
}

/** Elastic Load Balancing v2 on this machine: the operations, health checks, and a balancer on real ports. */
export class Elb implements TargetGroups {
  readonly operations: Operations;
  readonly #targets: Targets;
  readonly #checks: HealthChecks;
  readonly #balancer: Balancer;
  readonly #closeProbe: () => void;

  constructor(options: ElbOptions) {
    const { state, ports, random = Math.random } = options;
    const tables = openTables(state);
    const rules = new RuleIndex(tables);
    const account: Account = {
      tables,
      rules,
      arns: createArns(options.region, options.accountId),
      quotas: { ...defaultQuotas, ...options.quotas },
      clock: state.clock,
      consistency: state.consistency,
    };
    const http = createHttpProbe();
    this.#closeProbe = http.close;
    this.#targets = new Targets(account);
    this.#checks = new HealthChecks({
      targets: this.#targets,
      tables,
      clock: state.clock,
      probe: options.probe ?? http.probe,
      random,
    });
    const addresses = options.addresses ?? ['127.0.0.1', '::1'];
    const { certificate = () => undefined } = options;
    this.#balancer = new Balancer({ tables, rules, targets: this.#targets, ports, addresses, certificate, random });
    this.operations = {
      ...loadBalancerOperations(account, this.#balancer),
      ...listenerOperations(account, this.#balancer, arn => certificate(arn) !== undefined),
      ...ruleOperations(account),
      ...targetGroupOperations(account, this.#targets),
      ...targetOperations(account, this.#targets),
      ...tagOperations(account),
      ...limitOperations(account),
    };
  }

  /** Opens every listener's port and begins health checks. Rejects, naming the port, with code EADDRINUSE if one is taken. */
  async start(): Promise<void> {
    this.#targets.start();
    this.#checks.start();
    try {
      await this.#balancer.start();
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Closes the ports, cuts what is open and ends the checks. */
  async stop(): Promise<void> {
    this.#checks.stop();
    await this.#balancer.stop();
    this.#targets.stop();
    this.#closeProbe();
  }

  /** The real port of a listener while it is served. */
  portOf(listenerArn: string): Promise<number | undefined> {
    return this.#balancer.portOf(listenerArn);
  }

  find(arn: string): { readonly associated: boolean } | undefined {
    return this.#targets.find(arn);
  }

  register(arn: string, target: Target): void {
    this.#targets.register(arn, target);
  }

  deregister(arn: string, target: Target): Promise<void> {
    return this.#targets.deregister(arn, target);
  }

  health(arn: string, target: Target): TargetState | undefined {
    return this.#targets.health(arn, target);
  }

  onHealth(listener: (arn: string, target: Target, state: TargetState) => void): () => void {
    return this.#targets.onHealth(listener);
  }
}
