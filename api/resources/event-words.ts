import type { Event } from './event.ts';
import { stuckWords, waitWords } from './words.ts';

/** What the loop does, told to a student: by the reason of the event. */
const steps = {
  CreateHome: 'Your files are prepared.',
  RegisterBlueprint: 'The class’s settings are taken up.',
  CreateTarget: 'Its address is prepared.',
  SetTargetAttributes: 'Its address is prepared.',
  TakeSlot: 'A place is found.',
  MoveSlot: 'Another place is found.',
  ReleaseSlot: 'Its place is free for others.',
  CreateRoute: 'Its address is connected.',
  RepairRoute: 'Its address is connected again.',
  DeleteRoutes: 'Its address is at rest.',
  CreateService: 'The editor is started.',
  StartService: 'The editor is started.',
  TrimService: 'It runs once, not twice.',
  RestoreTags: 'Its marks are put right.',
  StopService: 'It is saved and stopped.',
  StartAsked: 'Asked to start.',
  StopAsked: 'Asked to stop.',
  RestartAsked: 'Asked to restart.',
  KeepAsked: 'Asked to keep it running for an hour.',
  OpenedByStaff: 'It was opened.',
  IdleStopped: 'Stopped: nobody worked in it. Your files are kept.',
  StretchEnded: 'Stopped: it ran for as long as it may at a stretch. Your files are kept.',
  Settled: 'As asked.',
} as const;
const words: ReadonlyMap<string, string> = new Map(Object.entries(steps));

/** An event in a student's words, without a word of the cloud. Undefined: it says nothing to a student. */
export function eventForStudent({ reason }: Pick<Event, 'reason'>): string | undefined {
  return words.get(reason) ?? waitWords.get(reason)?.student ?? stuckWords.get(reason)?.student;
}
