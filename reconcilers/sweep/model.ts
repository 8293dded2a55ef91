/** Something in AWS that carries our deployment's tag. */
export interface Found {
  readonly kind: 'rule' | 'service' | 'target group' | 'task definition' | 'home';
  /** ARN; of task definitions the family, of homes the access point's id. */
  readonly id: string;
  /** Id of the object that its tags say it belongs to. */
  readonly owner: string;
}

/** What a sweep came to. */
export interface SweepReport {
  /** Everything that no row owns. */
  readonly strays: readonly Found[];
  readonly deleted: readonly Found[];
  /** So much is stray that the rows themselves are in doubt: nothing is deleted. */
  readonly doubtful: boolean;
}

/** Who owns what, and since when something has been stray. Postgres, to the sweeper. */
export interface Ledger {
  /** Ids of all rows by kind, those on their way out included. */
  owners(): Promise<{ readonly workspace: readonly string[]; readonly home: readonly string[] }>;
  /** Notes what is stray now, forgets what is no more; since when each has been, by id, ISO 8601. */
  note(strays: readonly Found[], now: Date): Promise<ReadonlyMap<string, string>>;
}
