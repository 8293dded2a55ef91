import { failureThreshold } from './deployments.ts';
import type { ServiceRecord, TaskRecord } from './records.ts';
import { guide, withEvent } from './service-events.ts';

/** A task that ran this long was no failed start. */
const goodRun = 60_000;
/** The service throttle's longest pause. Source: AWS, "Amazon ECS service throttle logic" (15 minutes). */
const longestPause = 15 * 60_000;
/** So many failures in a row are told as an event. */
const tellAfter = 3;

/** The service after one of its tasks failed: less patience, and one more on the deployment's account. */
export function withFailure(service: ServiceRecord, task: TaskRecord, now: number): ServiceRecord {
  const good = task.startedAt !== undefined && now - task.startedAt >= goodRun;
  const failures = good ? 0 : service.failures + 1;
  // The first replacement comes at once; 2 s, 4 s, 8 s and so on after the next failures.
  const retryAt = failures < 2 ? 0 : now + Math.min(longestPause, 1000 * 2 ** (failures - 1));
  const next: ServiceRecord = { ...service, failures, retryAt };
  const message = `is unable to consistently start tasks successfully. ${guide}`;
  return countedOn(failures === tellAfter ? withEvent(next, now, message) : next, task, now);
}

/** The circuit breaker: a task that never passed its checks counts against the deployment that is in progress. */
function countedOn(service: ServiceRecord, task: TaskRecord, now: number): ServiceRecord {
  const [primary, ...older] = service.deployments;
  const isOurs = primary?.id === task.service?.deployment && primary?.rolloutState === 'IN_PROGRESS';
  if (!primary || !isOurs || task.served) return service;
  const { desiredCount, deployment } = service.settings;
  const failedTasks = primary.failedTasks + 1;
  const counted = { ...primary, failedTasks, updatedAt: now };
  const limit = failureThreshold(deployment.deploymentCircuitBreaker, desiredCount);
  if (limit === undefined || failedTasks < limit) return { ...service, deployments: [counted, ...older] };
  const rolloutStateReason = 'ECS deployment circuit breaker: tasks failed to start.';
  const failed: ServiceRecord = {
    ...service,
    deployments: [{ ...counted, rolloutState: 'FAILED', rolloutStateReason }, ...older],
  };
  return withEvent(failed, now, `(deployment ${primary.id}) deployment failed: tasks failed to start.`);
}
