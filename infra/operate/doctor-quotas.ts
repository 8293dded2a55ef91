import { GetServiceQuotaCommand } from '@aws-sdk/client-service-quotas';
import { defaultHost, vcpusOf, workspacesPerHost } from '../../api/resources/forecast.ts';
import { type DoctorOptions, type Finding, note, ok, wrong } from './finding.ts';

type Asked = Pick<DoctorOptions, 'local' | 'memory' | 'quotas' | 'students'>;

/** vCPUs of running On-Demand Standard instances. Source: EC2 endpoints and quotas. */
const hostVcpus = { ServiceCode: 'ec2', QuotaCode: 'L-1216C47A' } as const;
/** Mails in 24 hours. Source: SES endpoints and quotas. */
const mailsADay = { ServiceCode: 'ses', QuotaCode: 'L-804C8AE8' } as const;
/** Of an account whose SES is in its sandbox, which mails nobody but verified addresses. Source: SES, sandbox. */
const sandboxMails = 200;

/** Whether the account may run as many vCPUs as a class's hosts have. */
export async function checkHosts({ local, memory, quotas, students }: Asked): Promise<readonly Finding[]> {
  if (local) return [ok('hosts: this machine')];
  const hosts = Math.ceil(students / Math.max(1, workspacesPerHost(defaultHost, memory)));
  const needed = hosts * vcpusOf(defaultHost);
  const need = `hosts: ${students} at once with ${memory} MiB need ${hosts} ${defaultHost}, ${needed} vCPUs`;
  const has = await quotaOf({ quotas }, hostVcpus);
  if (typeof has === 'string')
    return [note(`${need}. Whether the account may have so many can't be asked (${has}): see ${placeOf(hostVcpus)}`)];
  if (has < needed)
    return [wrong(`${need}; the account may have ${has}. Ask for more, a week ahead: ${placeOf(hostVcpus)}`)];
  return [ok(`${need} of the account's ${has}`)];
}

/** Whether the invitations of a class go out in a day, where the pool mails through SES. */
export async function checkMails({
  quotas,
  students,
}: Pick<Asked, 'quotas' | 'students'>): Promise<readonly Finding[]> {
  const has = await quotaOf({ quotas }, mailsADay);
  if (typeof has === 'string')
    return [note(`user pool: mails go through SES; how many a day can't be asked (${has}): see ${placeOf(mailsADay)}`)];
  if (has <= sandboxMails)
    return [
      wrong(
        'user pool: mails go through SES, which is in its sandbox and mails verified addresses only. Ask to leave it: SES console, Account dashboard.',
      ),
    ];
  const text = `user pool: mails go through SES, ${has} a day`;
  return [has < students ? note(`${text}; ${students} invitations take ${Math.ceil(students / has)} days.`) : ok(text)];
}

interface Place {
  readonly ServiceCode: string;
  readonly QuotaCode: string;
}

const placeOf = ({ ServiceCode, QuotaCode }: Place) =>
  `https://console.aws.amazon.com/servicequotas/home/services/${ServiceCode}/quotas/${QuotaCode}`;

/** A quota's value in this account; or why it can't be known. */
async function quotaOf({ quotas }: Pick<Asked, 'quotas'>, place: Place): Promise<number | string> {
  try {
    const { Quota } = await quotas.send(new GetServiceQuotaCommand(place));
    return Quota?.Value ?? 'no value';
  } catch (error) {
    return error instanceof Error ? error.name : String(error);
  }
}
