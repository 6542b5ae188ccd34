/**
 * The oracles of every run.
 */
import type { Histories } from '../truth/histories.ts';
import { applyInOrder } from './applyInOrder.ts';
import { boundedLoad } from './boundedLoad.ts';
import { boundedQueues } from './boundedQueues.ts';
import { commitByCounting } from './commitByCounting.ts';
import { claimsAreDurable, committedIsDurable, promisesAreKept } from './durability.ts';
import { expiresInLogTime } from './expiresInLogTime.ts';
import { matchIsDurable } from './matchIsDurable.ts';
import { remembersReplies } from './remembersReplies.ts';
import { transactions } from './transactions.ts';
import { acknowledgedIsKept, atMostOnce } from './exactlyOnce.ts';
import { leaderAppendOnly, nothingCommittedIsLost } from './leaderAppendOnly.ts';
import { leaderCompleteness } from './leaderCompleteness.ts';
import { leaderExecutes } from './leaderExecutes.ts';
import { linearizable, sessionOrder } from './linearizable.ts';
import { logMatching } from './logMatching.ts';
import { mapsAdvance } from './mapsAdvance.ts';
import {
  nobodyWhoDrainsIsGivenAnything,
  nodeIdsAreGivenOnce,
  ordersAreOfThePresent,
  votersAreApart,
} from './nodesComeAndGo.ts';
import { oneHop } from './oneHop.ts';
import { membershipInSteps } from './membershipInSteps.ts';
import { oneLeader } from './oneLeader.ts';
import type { Oracle, Truth } from './oracle.ts';
import { ownerExecutes } from './ownerExecutes.ts';
import { sameSnapshot } from './sameSnapshot.ts';
import { sameState } from './sameState.ts';
import { stepsDown } from './stepsDown.ts';
import { rightReply, tenantsAreApart } from './rightReply.ts';
import { wholeExports } from './wholeExports.ts';

export function makeOracles(truth: Truth, histories: Histories): readonly Oracle[] {
  return [
    oneLeader(),
    leaderAppendOnly(),
    logMatching(),
    leaderCompleteness(),
    applyInOrder(),
    expiresInLogTime(truth, histories),
    sameState(truth, histories),
    sameSnapshot(),
    committedIsDurable(),
    claimsAreDurable(),
    matchIsDurable(),
    commitByCounting(),
    promisesAreKept(),
    membershipInSteps(),
    nothingCommittedIsLost(),
    leaderExecutes(truth),
    ownerExecutes(histories),
    mapsAdvance(truth),
    oneHop(truth),
    rightReply(),
    tenantsAreApart(),
    acknowledgedIsKept(truth),
    atMostOnce(truth, histories),
    remembersReplies(truth, histories),
    linearizable(truth, histories),
    transactions(truth, histories),
    sessionOrder(truth, histories),
    boundedQueues(truth),
    boundedLoad(truth),
    stepsDown(truth),
    wholeExports(truth, histories),
    nodeIdsAreGivenOnce(new Set(truth.groups.keys())),
    votersAreApart(),
    nobodyWhoDrainsIsGivenAnything(truth),
    ordersAreOfThePresent(truth),
  ];
}
