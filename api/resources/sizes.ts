/** How large a class the deployment is laid out for. Given as CDK context: `npm run synth -- --size large`. */
export interface Size {
  readonly name: 'small' | 'large';
  /** Each carries about 98 running workspaces: AWS allows 100 target groups a balancer, and that is not adjustable. */
  readonly balancers: number;
  /** Copies of API and of controller. */
  readonly replicas: number;
  /** Default of the parameter of that name: how many hosts at most. */
  readonly maxHosts: number;
  readonly databaseInstance: string;
}

export const sizes: Readonly<Record<Size['name'], Size>> = {
  /** A class of thirty: five hosts of 8 GiB hold 35 workspaces of 1 GiB. */
  small: { name: 'small', balancers: 1, replicas: 1, maxHosts: 6, databaseInstance: 'db.t4g.micro' },
  /** Three hundred: four balancers, two copies of the app. */
  large: { name: 'large', balancers: 4, replicas: 2, maxHosts: 50, databaseInstance: 'db.t4g.small' },
};
