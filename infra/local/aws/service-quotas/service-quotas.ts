import type { GetServiceQuotaRequest, GetServiceQuotaResponse, ServiceQuota } from '@aws-sdk/client-service-quotas';
import type { Operations } from '../endpoint.ts';
import { AwsError } from '../protocol.ts';

/** What a new account has of those quotas that Armada asks for. Source: EC2 and SES endpoints and quotas. */
const newAccount: readonly ServiceQuota[] = [
  {
    ServiceCode: 'ec2',
    QuotaCode: 'L-1216C47A',
    QuotaName: 'Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances',
    Value: 5,
    Unit: 'None',
    Adjustable: true,
  },
  // Of the sandbox.
  {
    ServiceCode: 'ses',
    QuotaCode: 'L-804C8AE8',
    QuotaName: 'Sending quota',
    Value: 200,
    Unit: 'None',
    Adjustable: true,
  },
];

/** The local Service Quotas: a few quotas as a new account has them, to be read only. */
export class ServiceQuotas {
  readonly operations: Operations = { GetServiceQuota: this.get.bind(this) };

  get({ ServiceCode, QuotaCode }: GetServiceQuotaRequest): GetServiceQuotaResponse {
    const Quota = newAccount.find(each => each.ServiceCode === ServiceCode && each.QuotaCode === QuotaCode);
    if (!Quota) throw new AwsError('NoSuchResourceException', 'The specified resource does not exist.');
    return { Quota };
  }
}
