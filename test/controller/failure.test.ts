import { describe, expect, test } from 'vitest';
import { classifyFailure } from '../../controller/failure.ts';

function named(name: string, message = 'no', cause?: unknown): Error {
  return Object.assign(new Error(message, { cause }), { name });
}

describe('what threw is told', () => {
  test.each([
    'ThrottlingException',
    'Throttling',
    'ThrottledException',
    'TooManyRequestsException',
    'TooManyRequests',
    'RequestLimitExceeded',
  ])('as throttling, if it is %s', name => {
    expect(classifyFailure(named(name)).reason).toBe('Throttled');
  });

  test.each([
    'AccessDeniedException',
    'AccessDenied',
    'UnauthorizedException',
    'UnauthorizedOperation',
    'NotAuthorizedException',
  ])('as a missing right, if it is %s', name => {
    expect(classifyFailure(named(name)).reason).toBe('NoPermission');
  });

  test.each([named('ServerException'), 'a string', undefined])('as failing, if it is anything else', error => {
    expect(classifyFailure(error).reason).toBe('Failing');
  });

  test('with the right that is missing, where AWS names it', () => {
    const sentence = 'User: arn:aws:sts::1:x is not authorized to perform: ecs:CreateService on resource: y';
    expect(classifyFailure(named('AccessDeniedException', sentence)).message).toContain('ecs:CreateService');
    expect(classifyFailure(named('AccessDeniedException', 'no')).message).toContain('lacks a right');
  });

  test('by its cause, and of several by the one that a person must answer', () => {
    const wrapped = named('Error', 'create service', named('AccessDenied'));
    expect(classifyFailure(wrapped).reason).toBe('NoPermission');
    expect(classifyFailure(new AggregateError([named('Throttling'), wrapped])).reason).toBe('NoPermission');
    expect(classifyFailure(new AggregateError([named('Throttling'), named('TypeError')])).reason).toBe('Throttled');
  });

  test('without its internals', () => {
    expect(classifyFailure(named('TypeError', 'secret of line 7')).message).not.toContain('secret');
  });
});
