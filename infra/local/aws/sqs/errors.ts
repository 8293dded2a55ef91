import { AwsError } from '../protocol.ts';

/** SQS's refusals, by the names of its JSON protocol (the older Query names are not given). Source: the SQS API reference. */

export function noQueue(): AwsError {
  return new AwsError('com.amazonaws.sqs#QueueDoesNotExist', 'The specified queue does not exist.');
}

export function nameTaken(name: string): AwsError {
  const message = `A queue already exists with the name ${name} and different attributes.`;
  return new AwsError('com.amazonaws.sqs#QueueNameExists', message);
}

export function invalid(message: string): AwsError {
  return new AwsError('com.amazonaws.sqs#InvalidParameterValueException', message);
}

export function invalidHandle(): AwsError {
  return new AwsError('com.amazonaws.sqs#ReceiptHandleIsInvalid', 'The input receipt handle is invalid.');
}

/** A batch of none, of more than ten, or of two entries with one id. */
export function badBatch(kind: 'EmptyBatchRequest' | 'TooManyEntriesInBatchRequest' | 'BatchEntryIdsNotDistinct') {
  const messages = {
    EmptyBatchRequest: 'There should be at least one entry in the request.',
    TooManyEntriesInBatchRequest: 'Maximum number of entries per request are 10.',
    BatchEntryIdsNotDistinct: 'Two or more batch entries in the request have the same Id.',
  };
  return new AwsError(`com.amazonaws.sqs#${kind}`, messages[kind]);
}
