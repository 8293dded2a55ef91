import type { CreateServiceRequest, DeploymentConfiguration, LoadBalancer } from '@aws-sdk/client-ecs';
import type { TargetGroups } from '../ports.ts';
import { AwsError } from '../protocol.ts';
import { isName, lastPart } from './names.ts';
import type { ServiceSettings, TaskDefinitionRecord } from './records.ts';
import type { Store } from './store.ts';
import { checkTags } from './tags.ts';

/** Source: the SDK's comment on CreateServiceRequest.clientToken: up to 36 ASCII characters from 33 to 126. */
const clientToken = /^[!-~]{1,36}$/;
/** Source: the SDK's comment on Service.loadBalancers. */
const groupsPerService = 5;

/** The task definition that a service is to use, or the ClientException that says why not. */
export function usableDefinition(store: Store, reference: string | undefined): TaskDefinitionRecord {
  if (!reference) throw new AwsError('InvalidParameterException', 'TaskDefinition can not be blank.');
  const found = store.definition(reference);
  if (!found) throw new AwsError('ClientException', 'TaskDefinition not found.');
  if (found.status !== 'ACTIVE') throw new AwsError('ClientException', 'TaskDefinition is inactive');
  return found;
}

/** Refuses a CreateService that AWS refuses for its parameters alone. */
export function checkCreation(input: CreateServiceRequest): void {
  if (!isName(input.serviceName))
    invalid('Invalid service name. Up to 255 letters, numbers, hyphens and underscores are allowed.');
  if (input.clientToken !== undefined && !clientToken.test(input.clientToken))
    invalid('Invalid clientToken. Up to 36 ASCII characters in the range of 33-126 are allowed.');
  if (input.desiredCount === undefined && input.schedulingStrategy !== 'DAEMON')
    invalid('desiredCount must be specified when the scheduling strategy is REPLICA.');
  if (input.schedulingStrategy === 'DAEMON') invalid('The DAEMON scheduling strategy is not available here.');
  if (input.launchType && input.capacityProviderStrategy?.length)
    invalid('Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.');
  checkTags(input.tags ?? []);
}

/** Refuses settings, old and new merged, that AWS refuses. */
export function checkSettings(
  store: Store,
  targetGroups: TargetGroups,
  settings: ServiceSettings,
  definition: TaskDefinitionRecord | undefined,
): void {
  if (settings.desiredCount < 0) invalid('desiredCount must be at least 0.');
  checkDeployment(settings.deployment, settings.shown.availabilityZoneRebalancing);
  if (settings.graceSeconds !== undefined && settings.loadBalancers.length === 0)
    invalid('Health check grace period is only valid for services configured to use load balancers');
  if (settings.loadBalancers.length > groupsPerService) invalid('A service can have at most 5 target groups.');
  for (const balancer of settings.loadBalancers) checkBalancer(targetGroups, balancer, definition);
  for (const { capacityProvider = '' } of settings.shown.capacityProviderStrategy ?? [])
    if (!store.providers.get(lastPart(capacityProvider)))
      invalid(`The specified capacity provider '${capacityProvider}' was not found.`);
}

function checkDeployment(
  { maximumPercent = 200, minimumHealthyPercent = 100, deploymentCircuitBreaker: breaker }: DeploymentConfiguration,
  rebalancing: string | undefined,
): void {
  if (maximumPercent === 100 && minimumHealthyPercent === 100)
    invalid('Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments.');
  if (maximumPercent < 100 || maximumPercent > 200) invalid('maximumPercent must be between 100 and 200.');
  if (minimumHealthyPercent < 0 || minimumHealthyPercent > 100)
    invalid('minimumHealthyPercent must be between 0 and 100.');
  if (rebalancing === 'ENABLED' && maximumPercent <= 100)
    invalid('availabilityZoneRebalancing cannot be ENABLED when maximumPercent is 100 or less.');
  if (breaker?.rollback) invalid('A circuit breaker with rollback is not available here.');
  if (breaker?.thresholdConfiguration && (breaker.thresholdConfiguration.value ?? 0) < 1)
    invalid('The threshold value of a deployment circuit breaker must be at least 1.');
}

function checkBalancer(
  targetGroups: TargetGroups,
  { targetGroupArn, containerName, containerPort }: LoadBalancer,
  definition: TaskDefinitionRecord | undefined,
): void {
  if (!targetGroupArn) invalid('targetGroupArn can not be blank.');
  const container = definition?.input.containerDefinitions?.find(({ name }) => name === containerName);
  if (!container) invalid(`The container ${containerName} does not exist in the task definition.`);
  if (!container.portMappings?.some(mapping => mapping.containerPort === containerPort))
    invalid(`The container ${containerName} did not have a container port ${containerPort} defined.`);
  const group = targetGroups.find(targetGroupArn);
  if (!group) invalid(`The specified target group does not exist: ${targetGroupArn}`);
  if (!group.associated)
    invalid(`The target group with targetGroupArn ${targetGroupArn} does not have an associated load balancer.`);
}

function invalid(message: string): never {
  throw new AwsError('InvalidParameterException', message);
}
