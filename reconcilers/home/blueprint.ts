import type { RegisterTaskDefinitionRequest } from '@aws-sdk/client-ecs';
import { gateEnvironment, taskPaths } from '../../api/resources/entrance.ts';
import type { Home } from '../../api/resources/home.ts';
import { purgeCommand, purgeUnmarked } from '../../api/resources/keeper.ts';
import { keeperFamily } from '../aws/names.ts';
import type { HomeSettings } from './settings.ts';

/** The only container of a keeper's task. */
export const keeperContainer = 'keeper';

/** MiB. It holds one name at a time. */
const memory = { soft: 64, hard: 128 };
/** It may be ended anywhere. */
const stopSeconds = 10;

/** Renders a keeper's task definition: the home alone, as its own user, without a network. */
export function renderKeeper(home: Home, doorId: string, settings: HomeSettings): RegisterTaskDefinitionRequest {
  const { deployment, fileSystemId, gateImage, executionRoleArn, logs } = settings;
  return {
    family: keeperFamily(deployment, home.id),
    networkMode: 'none',
    requiresCompatibilities: ['EC2'],
    ...(executionRoleArn === undefined ? {} : { executionRoleArn }),
    containerDefinitions: [
      {
        name: keeperContainer,
        essential: true,
        image: gateImage,
        command: [purgeCommand],
        user: `${home.uid}:${home.uid}`,
        memory: memory.hard,
        memoryReservation: memory.soft,
        stopTimeout: stopSeconds,
        environment: [
          { name: gateEnvironment.homeId, value: home.id },
          { name: gateEnvironment.homePath, value: taskPaths.home },
          ...(home.spec.unmarked ? [{ name: purgeUnmarked, value: '1' }] : []),
        ],
        mountPoints: [{ sourceVolume: 'home', containerPath: taskPaths.home }],
        linuxParameters: { initProcessEnabled: true, capabilities: { drop: ['ALL'] } },
        ...(logs === undefined
          ? {}
          : {
              logConfiguration: {
                logDriver: 'awslogs',
                options: {
                  'awslogs-group': logs.group,
                  'awslogs-region': logs.region,
                  'awslogs-stream-prefix': keeperContainer,
                },
              },
            }),
      },
    ],
    volumes: [
      {
        name: 'home',
        efsVolumeConfiguration: {
          fileSystemId,
          transitEncryption: 'ENABLED',
          authorizationConfig: { accessPointId: doorId, iam: 'DISABLED' },
        },
      },
    ],
  };
}
