import { describe, expect, it } from 'vitest';
import { parseRequest, UsageError } from '../../sim/cli/arguments.ts';

describe('the command line', () => {
  it('takes one seed, many, a file, what is to be smaller, or the planted bugs', () => {
    expect(parseRequest(['--seed', '42'])).toEqual({
      kind: 'seed',
      seed: 42,
      profile: 'mixed',
      trace: false,
      check: false,
      save: null,
    });
    expect(
      parseRequest(['--seeds', '1..500', '--jobs', '3', '--profile', 'stale-map', '--check', '--save', 'd']),
    ).toEqual({
      kind: 'swarm',
      from: 1,
      to: 500,
      jobs: 3,
      profile: 'stale-map',
      check: true,
      requireMarks: false,
      save: 'd',
    });
    expect(parseRequest(['--seeds', '1..2', '--require-marks'])).toMatchObject({ kind: 'swarm', requireMarks: true });
    expect(parseRequest(['--replay', 'f.json', '--trace'])).toEqual({
      kind: 'replay',
      file: 'f.json',
      trace: true,
      check: false,
    });
    expect(parseRequest(['bugs', 'lease'])).toEqual({ kind: 'bugs', jobs: 2, only: 'lease', store: false });
    expect(parseRequest(['bugs', '--store'])).toEqual({ kind: 'bugs', jobs: 2, only: null, store: true });
    expect(parseRequest(['shrink', 'f.json'])).toEqual({ kind: 'shrink', source: { file: 'f.json' }, runs: 500 });
    expect(parseRequest(['shrink', '--seed', '7', '--profile', 'idle', '--runs', '9'])).toEqual({
      kind: 'shrink',
      source: { seed: 7, profile: 'idle' },
      runs: 9,
    });
    expect(parseRequest(['--help'])).toEqual({ kind: 'help' });
  });

  it.each([
    [[], 'one of --seed, --seeds, --replay, shrink, bugs or coverage is needed'],
    [['--seed', 'x'], "--seed takes an integer from 0 on, not 'x'"],
    [['--seeds', '5'], "--seeds takes a range such as 1..500, not '5'"],
    [['--seeds', '5..1'], "--seeds takes a range that grows, not '5..1'"],
    [['--seeds', '1..5', '--jobs', '0'], "--jobs takes an integer from 1 on, not '0'"],
    [['--seeds', '1..5', '--trace'], '--trace goes with --seed or --replay, not with --seeds'],
    [
      ['--seed', '1', '--profile', 'wild'],
      "--profile is one of mixed, partitions, crashes, stale-map, moves, transfers, reconfigure, metadata-down, scale-out, membership, leases, bad-clocks, idle, disks, gossip, static, calm, not 'wild'",
    ],
    [['--seed', '1', '--require-marks'], '--require-marks goes with --seeds: one run cannot hit them all'],
    [['--speed', '1'], "Unknown option '--speed'"],
    [['worms'], "'worms' is no command: there are 'shrink', 'bugs' and 'coverage'"],
    [['shrink'], 'shrink needs a file, or a --seed'],
    [['shrink', 'f', '--runs', '0'], "--runs takes an integer from 1 on, not '0'"],
  ])('refuses %j, naming the flag', (words, message) => {
    expect(() => parseRequest(words)).toThrow(UsageError);
    expect(() => parseRequest(words)).toThrow(message);
  });
});
