import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OrderedTree } from '../../../../../local/database/storage/ordered-tree.ts'

interface Entry {
  readonly key: string
  readonly item: { readonly id: number }
}

const order = (a: Entry, b: Entry): number => (a.key < b.key ? -1 : a.key > b.key ? 1 : a.item.id - b.item.id)

function filled(numbers: readonly number[]): { tree: OrderedTree<{ id: number }>; model: Entry[] } {
  const tree = new OrderedTree<{ id: number }>()
  const model = numbers.map((number, id) => ({ key: `k${number}`, item: { id } }))
  for (const { key, item } of model) tree.add(key, item)
  return { tree, model }
}

const numbers = fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 1200 })

describe('the ordered tree', () => {
  it('holds what a sorted list holds, after additions and removals', () => {
    fc.assert(
      fc.property(numbers, fc.integer({ min: 1, max: 7 }), (given, nth) => {
        const { tree, model } = filled(given)
        const kept = model.filter((_, at) => at % nth !== 0)
        for (const { key, item } of model.filter((_, at) => at % nth === 0))
          expect(tree.remove(key, item.id)).toBe(true)
        expect(tree.remove('nowhere', 1)).toBe(false)
        const sorted = [...kept].sort(order)
        expect([...tree.scan('', undefined)]).toEqual(sorted.map(({ key, item }) => [key, item]))
        expect([...tree.scan('', undefined, true)]).toEqual(sorted.reverse().map(({ key, item }) => [key, item]))
        expect(tree.size).toBe(kept.length)
      }),
      { numRuns: 40 },
    )
  })

  it('scans and counts a range', () => {
    fc.assert(
      fc.property(numbers, fc.nat(400), fc.nat(400), (given, from, to) => {
        const { tree, model } = filled(given)
        const [start, end] = [`k${from}`, `k${to}`]
        const inside = model.filter(({ key }) => key >= start && key < end).sort(order)
        expect([...tree.scan(start, end)]).toEqual(inside.map(({ key, item }) => [key, item]))
        expect([...tree.scan(start, end, true)]).toEqual(inside.reverse().map(({ key, item }) => [key, item]))
        expect(tree.count(start, end)).toBe(inside.length)
      }),
      { numRuns: 60 },
    )
  })

  it('goes on behind the last entry when it changes during a scan', () => {
    const { tree } = filled(Array.from({ length: 1000 }, (_, at) => at + 1000))
    const seen: string[] = []
    for (const [key, item] of tree.scan('', undefined)) {
      seen.push(key)
      tree.remove(key, item.id)
      tree.add('a', { id: 5000 + seen.length })
    }
    expect(seen).toEqual(Array.from({ length: 1000 }, (_, at) => `k${at + 1000}`))
    const backwards = [...tree.scan('', undefined, true)].length
    expect(backwards).toBe(1000)
  })
})
