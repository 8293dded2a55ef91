import {
  aws_cloudwatch_actions as actions,
  aws_budgets as budgets,
  aws_cloudwatch as cloudwatch,
  Duration,
  type Stack,
  aws_sns as sns,
  aws_sns_subscriptions as subscriptions,
} from 'aws-cdk-lib';
import type { Entrance } from './balancer.ts';
import type { Cluster } from './cluster.ts';
import type { Database } from './database.ts';
import type { Files } from './files.ts';
import type { Parameters } from './parameters.ts';
import type { App } from './service.ts';

/** Mails the instructor about what a person must act on, and about money. */
export function createAlarms(
  stack: Stack,
  {
    app,
    cluster,
    database,
    entrance,
    files,
    parameters,
  }: { app: App; cluster: Cluster; database: Database; entrance: Entrance; files: Files; parameters: Parameters },
): void {
  const topic = new sns.Topic(stack, 'Alarms', { enforceSSL: true });
  topic.addSubscription(new subscriptions.EmailSubscription(parameters.instructorEmail));
  const alarm = (
    id: string,
    description: string,
    metric: cloudwatch.IMetric,
    threshold: number,
    { low = false, alive = false } = {},
  ) =>
    new cloudwatch.Alarm(stack, id, {
      alarmDescription: description,
      metric,
      threshold,
      evaluationPeriods: 3,
      comparisonOperator: low
        ? cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
        : cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
      // Nothing is measured of what does not run.
      treatMissingData: alive ? cloudwatch.TreatMissingData.BREACHING : cloudwatch.TreatMissingData.NOT_BREACHING,
    }).addAlarmAction(new actions.SnsAction(topic));

  const period = Duration.minutes(5);
  const gibibyte = 2 ** 30;
  alarm(
    'DatabaseFull',
    'The database has less than 2 GiB left: raise its storage.',
    database.instance.metricFreeStorageSpace({ period }),
    2 * gibibyte,
    { low: true },
  );
  alarm(
    'DatabaseBusy',
    'The database has been at its limit for 15 minutes: choose a larger instance.',
    database.instance.metricCPUUtilization({ period }),
    90,
  );
  alarm(
    'AppFull',
    'The API is at its memory limit, or does not run: look at its logs.',
    app.api.metricMemoryUtilization({ period }),
    90,
    { alive: true },
  );
  alarm(
    'ControllerFull',
    'The controller is at its memory limit, or does not run: look at its logs.',
    app.controller.metricMemoryUtilization({ period }),
    90,
    { alive: true },
  );
  for (const [index, loadBalancer] of entrance.balancerFullNames.entries()) {
    const metric = new cloudwatch.Metric({
      namespace: 'AWS/ApplicationELB',
      metricName: 'HTTPCode_Target_5XX_Count',
      dimensionsMap: { LoadBalancer: loadBalancer },
      statistic: 'Sum',
      period,
    });
    alarm(`Failing${index + 1}`, 'The portal or workspaces answer with failures: look at the API’s logs.', metric, 25);
  }
  const reserved = new cloudwatch.Metric({
    namespace: 'AWS/ECS/ManagedScaling',
    metricName: 'CapacityProviderReservation',
    dimensionsMap: { ClusterName: cluster.cluster.clusterName, CapacityProviderName: cluster.capacityProvider },
    statistic: 'Minimum',
    period,
  });
  alarm(
    'NoCapacity',
    'Workspaces have waited 15 minutes for a host: raise MaxHosts or the account’s vCPU quota.',
    reserved,
    100,
  );

  const credit = new cloudwatch.Metric({
    namespace: 'AWS/EFS',
    metricName: 'BurstCreditBalance',
    dimensionsMap: { FileSystemId: files.fileSystem.ref },
    statistic: 'Minimum',
    period,
  });
  alarm(
    'HomesBusy',
    'So much was read and written that homes will be slow soon: see who copies, or set the file system’s throughput mode to elastic.',
    credit,
    200 * gibibyte,
    { low: true },
  );

  const mail = (threshold: number, notificationType: string) => ({
    notification: { comparisonOperator: 'GREATER_THAN', threshold, notificationType, thresholdType: 'PERCENTAGE' },
    subscribers: [{ subscriptionType: 'EMAIL', address: parameters.instructorEmail }],
  });
  new budgets.CfnBudget(stack, 'Budget', {
    budget: { budgetType: 'COST', timeUnit: 'MONTHLY', budgetLimit: { amount: parameters.monthlyBudget, unit: 'USD' } },
    notificationsWithSubscribers: [mail(80, 'ACTUAL'), mail(100, 'FORECASTED')],
  });
}
