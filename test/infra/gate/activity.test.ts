import type { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { Activity, ClientFrames } from '../../../infra/gate/activity.ts';

/** A masked frame as a browser sends it. */
function frame(payload: number, opcode = 2): Buffer {
  const size =
    payload < 126
      ? [payload]
      : payload < 65_536
        ? [126, payload >> 8, payload & 255]
        : [127, 0, 0, 0, 0, ...bytes(payload)];
  const [first = 0, ...rest] = size;
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | first, ...rest, 1, 2, 3, 4]), Buffer.alloc(payload, 0xff)]);
}

function bytes(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}

test('messages are measured wherever the stream is cut, control frames are not counted', () => {
  const stream = Buffer.concat([
    frame(5),
    frame(0),
    frame(125),
    frame(9, 0x9),
    frame(126),
    frame(70_000),
    frame(13, 1),
  ]);
  for (const cut of [1, 2, 3, 7, 100, 4096, stream.length]) {
    const sizes: number[] = [];
    const frames = new ClientFrames(size => sizes.push(size));
    for (let at = 0; at < stream.length; at += cut) frames.read(stream.subarray(at, at + cut));
    expect(sizes, `cut at ${cut}`).toEqual([5, 0, 125, 126, 70_000, 13]);
  }
});

test('a socket is busy when a person types, not when a tab is open', () => {
  let now = 0;
  const activity = new Activity(() => now);
  const socket = new PassThrough();
  activity.follow(socket as unknown as Socket);
  const send = (count: number, every: number) => {
    for (let sent = 0; sent < count; sent += 1) {
      now += every;
      socket.write(frame(14));
      socket.read();
    }
    return activity.take();
  };
  // Ten minutes of an open tab, then twenty keystrokes with their acknowledgements, then the tab again.
  expect(send(960, 625)).toBe(false);
  expect(send(40, 100)).toBe(true);
  expect(send(960, 625)).toBe(false);
});
