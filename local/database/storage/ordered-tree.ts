/** What a tree entry belongs to; entries with equal keys are ordered by its id. */
interface Owner {
  readonly id: number
}

interface Leaf<T> {
  readonly leaf: true
  readonly keys: string[]
  readonly items: T[]
}

interface Branch<T> {
  readonly leaf: false
  readonly children: Node<T>[]
  /** Entries under each child. */
  readonly sizes: number[]
  /** The first entry of each child but the first. */
  readonly keys: string[]
  readonly ids: number[]
}

type Node<T> = Leaf<T> | Branch<T>

const MAX_ENTRIES = 128

function before(key: string, id: number, otherKey: string, otherId: number): boolean {
  return key < otherKey || (key === otherKey && id < otherId)
}

/** A B+ tree of (key, owner), ordered by key and then by the owner's id; it knows how many entries lie in a range. */
export class OrderedTree<T extends Owner> {
  #root: Node<T> = { leaf: true, keys: [], items: [] }
  #size = 0
  #version = 0

  get size(): number {
    return this.#size
  }

  add(key: string, item: T): void {
    this.#version++
    this.#size++
    const split = this.#insert(this.#root, key, item, true)
    if (split === undefined) return
    const left = this.#root
    this.#root = {
      leaf: false,
      children: [left, split.node],
      sizes: [sizeOf(left), sizeOf(split.node)],
      keys: [split.key],
      ids: [split.id],
    }
  }

  #insert(node: Node<T>, key: string, item: T, rightmost: boolean): Split<T> | undefined {
    if (node.leaf) {
      const at = leafPosition(node, key, item.id)
      node.keys.splice(at, 0, key)
      node.items.splice(at, 0, item)
      if (node.keys.length <= MAX_ENTRIES) return undefined
      // Keys that only grow leave full leaves behind.
      const middle = rightmost && at === node.keys.length - 1 ? node.keys.length - 1 : node.keys.length >> 1
      const right: Leaf<T> = { leaf: true, keys: node.keys.splice(middle), items: node.items.splice(middle) }
      return { node: right, key: right.keys[0]!, id: right.items[0]!.id }
    }
    const at = childPosition(node, key, item.id)
    node.sizes[at]!++
    const split = this.#insert(node.children[at]!, key, item, rightmost && at === node.children.length - 1)
    if (split === undefined) return undefined
    const rightSize = sizeOf(split.node)
    node.children.splice(at + 1, 0, split.node)
    node.sizes[at]! -= rightSize
    node.sizes.splice(at + 1, 0, rightSize)
    node.keys.splice(at, 0, split.key)
    node.ids.splice(at, 0, split.id)
    if (node.children.length <= MAX_ENTRIES) return undefined
    const middle = node.children.length >> 1
    const separator = { key: node.keys[middle - 1]!, id: node.ids[middle - 1]! }
    const right: Branch<T> = {
      leaf: false,
      children: node.children.splice(middle),
      sizes: node.sizes.splice(middle),
      keys: node.keys.splice(middle),
      ids: node.ids.splice(middle),
    }
    node.keys.pop()
    node.ids.pop()
    return { node: right, ...separator }
  }

  /** @returns whether the entry was there */
  remove(key: string, id: number): boolean {
    if (!this.#delete(this.#root, key, id)) return false
    this.#version++
    this.#size--
    while (!this.#root.leaf && this.#root.children.length === 1) this.#root = this.#root.children[0]!
    return true
  }

  #delete(node: Node<T>, key: string, id: number): boolean {
    if (node.leaf) {
      const at = leafPosition(node, key, id)
      if (node.keys[at] !== key || node.items[at]!.id !== id) return false
      node.keys.splice(at, 1)
      node.items.splice(at, 1)
      return true
    }
    const at = childPosition(node, key, id)
    if (!this.#delete(node.children[at]!, key, id)) return false
    node.sizes[at]!--
    // A child goes when it is empty; sparser ones stay, since deletes here are rarer than inserts.
    if (node.sizes[at] === 0 && node.children.length > 1) {
      node.children.splice(at, 1)
      node.sizes.splice(at, 1)
      const separator = Math.max(0, at - 1)
      node.keys.splice(separator, 1)
      node.ids.splice(separator, 1)
    }
    return true
  }

  /** How many entries have a key below `key`. */
  rank(key: string): number {
    let node = this.#root
    let count = 0
    while (!node.leaf) {
      const at = childPosition(node, key, -1)
      for (let index = 0; index < at; index++) count += node.sizes[index]!
      node = node.children[at]!
    }
    return count + leafPosition(node, key, -1)
  }

  /** How many entries lie in [start, end). */
  count(start: string, end: string): number {
    return Math.max(0, this.rank(end) - this.rank(start))
  }

  /** The first entry of exactly this key. */
  first(key: string): T | undefined {
    for (const [found, item] of this.scan(key, undefined)) return found === key ? item : undefined
    return undefined
  }

  /** Every item of exactly this key. */
  *all(key: string): Iterable<T> {
    for (const [found, item] of this.scan(key, undefined)) {
      if (found !== key) return
      yield item
    }
  }

  /**
   * The entries with keys in [start, end), ascending, or descending when `reverse`. Entries may be added and removed
   * while it runs: it goes on behind the last entry it gave.
   *
   * @param end absent: to the end
   */
  *scan(start: string, end: string | undefined, reverse = false): Generator<readonly [string, T]> {
    let version = this.#version
    let path = reverse ? this.#seekBefore(end, -1) : this.#seek(start, -1)
    for (;;) {
      if (path === undefined) return
      const key = path.leaf.keys[path.at]!
      const item = path.leaf.items[path.at]!
      if (reverse ? key < start : end !== undefined && key >= end) return
      yield [key, item]
      if (version !== this.#version) {
        version = this.#version
        path = reverse ? this.#seekBefore(key, item.id) : this.#seek(key, item.id + 1)
      } else path = reverse ? stepBack(path) : step(path)
    }
  }

  /** The first entry at or after (key, id). */
  #seek(key: string, id: number): Path<T> | undefined {
    const branches: { node: Branch<T>; at: number }[] = []
    let node = this.#root
    while (!node.leaf) {
      const at = childPosition(node, key, id)
      branches.push({ node, at })
      node = node.children[at]!
    }
    const path = { branches, leaf: node, at: leafPosition(node, key, id) }
    return path.at < node.keys.length ? path : nextLeaf(path)
  }

  /** The last entry before (key, id); of all when `key` is absent. */
  #seekBefore(key: string | undefined, id: number): Path<T> | undefined {
    const branches: { node: Branch<T>; at: number }[] = []
    let node = this.#root
    while (!node.leaf) {
      const at = key === undefined ? node.children.length - 1 : childPosition(node, key, id)
      branches.push({ node, at })
      node = node.children[at]!
    }
    const path = { branches, leaf: node, at: key === undefined ? node.keys.length : leafPosition(node, key, id) }
    return stepBack(path)
  }
}

interface Split<T> {
  readonly node: Node<T>
  readonly key: string
  readonly id: number
}

interface Path<T> {
  readonly branches: { node: Branch<T>; at: number }[]
  leaf: Leaf<T>
  at: number
}

function sizeOf<T>(node: Node<T>): number {
  if (node.leaf) return node.keys.length
  let size = 0
  for (const child of node.sizes) size += child
  return size
}

/** Index of the first entry not before (key, id). */
function leafPosition<T extends Owner>(leaf: Leaf<T>, key: string, id: number): number {
  const { keys, items } = leaf
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (before(keys[middle]!, items[middle]!.id, key, id)) low = middle + 1
    else high = middle
  }
  return low
}

/** Index of the child that holds (key, id) or would. */
function childPosition<T>(branch: Branch<T>, key: string, id: number): number {
  const { keys, ids } = branch
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (before(key, id, keys[middle]!, ids[middle]!)) high = middle
    else low = middle + 1
  }
  return low
}

function step<T>(path: Path<T>): Path<T> | undefined {
  path.at++
  return path.at < path.leaf.keys.length ? path : nextLeaf(path)
}

function stepBack<T>(path: Path<T>): Path<T> | undefined {
  path.at--
  return path.at >= 0 ? path : previousLeaf(path)
}

function nextLeaf<T>(path: Path<T>): Path<T> | undefined {
  for (let depth = path.branches.length - 1; depth >= 0; depth--) {
    const branch = path.branches[depth]!
    if (branch.at + 1 >= branch.node.children.length) continue
    branch.at++
    descend(path, depth, false)
    path.at = 0
    return path.leaf.keys.length > 0 ? path : nextLeaf(path)
  }
  return undefined
}

function previousLeaf<T>(path: Path<T>): Path<T> | undefined {
  for (let depth = path.branches.length - 1; depth >= 0; depth--) {
    const branch = path.branches[depth]!
    if (branch.at === 0) continue
    branch.at--
    descend(path, depth, true)
    path.at = path.leaf.keys.length - 1
    return path.at >= 0 ? path : previousLeaf(path)
  }
  return undefined
}

function descend<T>(path: Path<T>, depth: number, last: boolean): void {
  let node = path.branches[depth]!.node.children[path.branches[depth]!.at]!
  path.branches.length = depth + 1
  while (!node.leaf) {
    const at = last ? node.children.length - 1 : 0
    path.branches.push({ node, at })
    node = node.children[at]!
  }
  path.leaf = node
}
