import { UUID } from 'bson'
import { describe, expect, it } from 'vitest'
import type { CatalogChange } from '../../../../../local/database/changes/change.ts'
import { ChangeLog } from '../../../../../local/database/changes/change-log.ts'

function change(time: number): CatalogChange {
  return {
    kind: 'drop',
    time,
    position: 0,
    wallTime: 0,
    db: 'd',
    collection: 'c',
    uuid: new UUID(),
    details: new Map(),
  }
}

describe('the log of changes', () => {
  it('tells at once of what nothing keeps', () => {
    const log = new ChangeLog()
    let woken = 0
    log.onNext(() => woken++)
    log.append(change(1))
    expect([woken, log.lasting(0)?.time]).toEqual([1, 1])
  })

  it('tells of a change that is kept once it is on disk, so that nobody hears of one that a crash undoes', () => {
    const log = new ChangeLog()
    log.keptUpTo(log.end)
    let woken = 0
    log.onNext(() => woken++)
    log.append(change(1))
    log.append(change(2))
    expect([woken, log.lasting(0), log.at(0)?.time]).toEqual([0, undefined, 1])
    log.keptUpTo(1)
    expect([woken, log.lasting(0)?.time, log.lasting(1)]).toEqual([1, 1, undefined])
  })
})
