import type * as cognito from '@aws-sdk/client-cognito-identity-provider';
import type { Operations } from '../endpoint.ts';
import { AwsError } from '../protocol.ts';
import type { State, Table } from '../state.ts';
import type { Directory } from './directory.ts';
import { invalidParameter, resourceNotFound } from './errors.ts';
import { cutList, type Pools } from './pools.ts';
import { describeGroup, describeUser, type GroupRecord } from './records.ts';

const groupNamePattern = /^[\p{L}\p{M}\p{S}\p{N}\p{P}]{1,128}$/u;

/** The groups of the pools, and who is in them. */
export class Groups {
  readonly operations: Operations;
  readonly #state: State;
  readonly #pools: Pools;
  readonly #directory: Directory;
  readonly #groups: Table<GroupRecord>;

  constructor(state: State, pools: Pools, directory: Directory) {
    this.#state = state;
    this.#pools = pools;
    this.#directory = directory;
    this.#groups = state.table('cognito-group');
    this.operations = {
      CreateGroup: (input: cognito.CreateGroupRequest) => this.#create(input),
      GetGroup: (input: cognito.GetGroupRequest) => ({ Group: describeGroup(this.#group(input)) }),
      ListGroups: (input: cognito.ListGroupsRequest) => this.#list(input),
      AdminAddUserToGroup: (input: cognito.AdminAddUserToGroupRequest) => this.#add(input),
      AdminRemoveUserFromGroup: (input: cognito.AdminRemoveUserFromGroupRequest) => this.#remove(input),
      AdminListGroupsForUser: (input: cognito.AdminListGroupsForUserRequest) => this.#listForUser(input),
      ListUsersInGroup: (input: cognito.ListUsersInGroupRequest) => this.#listUsers(input),
    };
  }

  #group(input: { readonly UserPoolId?: string; readonly GroupName?: string }): GroupRecord {
    const pool = this.#pools.pool(input.UserPoolId);
    const group = this.#groups.get(`${pool.id}/${input.GroupName}`);
    if (!group) throw resourceNotFound('Group not found.');
    return group;
  }

  #create(input: cognito.CreateGroupRequest): cognito.CreateGroupResponse {
    const poolId = this.#pools.pool(input.UserPoolId).id;
    const name = input.GroupName ?? '';
    if (!groupNamePattern.test(name)) throw invalidParameter(`invalid GroupName '${name}'`);
    const key = `${poolId}/${name}`;
    if (this.#groups.get(key)) throw new AwsError('GroupExistsException', 'A group with the name already exists.');
    const { Description: description, Precedence: precedence } = input;
    const group = { poolId, name, description, precedence, createdAt: this.#state.clock.now() };
    return { Group: describeGroup(this.#groups.put(key, group)) };
  }

  #list(input: cognito.ListGroupsRequest): cognito.ListGroupsResponse {
    const pool = this.#pools.pool(input.UserPoolId);
    const found = this.#groups.seenAll().filter(group => group.poolId === pool.id);
    const { items, token } = cutList(found, group => group.name, input.Limit, input.NextToken);
    return { Groups: items.map(describeGroup), NextToken: token };
  }

  /** Adding twice is fine, as on AWS. */
  #add(input: cognito.AdminAddUserToGroupRequest): object {
    const { name } = this.#group(input);
    const user = this.#directory.user(input.UserPoolId, input.Username);
    if (!user.groups.includes(name)) this.#directory.put({ ...user, groups: [...user.groups, name] });
    return {};
  }

  #remove(input: cognito.AdminRemoveUserFromGroupRequest): object {
    const { name } = this.#group(input);
    const user = this.#directory.user(input.UserPoolId, input.Username);
    if (user.groups.includes(name))
      this.#directory.put({ ...user, groups: user.groups.filter(group => group !== name) });
    return {};
  }

  #listForUser(input: cognito.AdminListGroupsForUserRequest): cognito.AdminListGroupsForUserResponse {
    const user = this.#directory.user(input.UserPoolId, input.Username);
    const found = user.groups.flatMap(name => this.#groups.get(`${user.poolId}/${name}`) ?? []);
    const { items, token } = cutList(found, group => group.name, input.Limit, input.NextToken);
    return { Groups: items.map(describeGroup), NextToken: token };
  }

  #listUsers(input: cognito.ListUsersInGroupRequest): cognito.ListUsersInGroupResponse {
    const { name, poolId } = this.#group(input);
    const found = this.#directory.seenUsers(poolId).filter(user => user.groups.includes(name));
    const { items, token } = cutList(found, user => user.username, input.Limit, input.NextToken);
    return { Users: items.map(user => describeUser(user)), NextToken: token };
  }
}
