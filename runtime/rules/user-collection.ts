import type { ClientSession, Document } from 'mongodb'
import type { Caller } from '../caller.ts'
import { toDocument } from '../data/cursor.ts'
import type { DataAccess, Namespace, ReadOptions, StoredDocument } from '../data/data-access.ts'
import { createScope, type ExpressionScope } from '../expression/index.ts'
import type { Runtime } from '../runtime.ts'
import { choices } from './choices.ts'
import { mayWriteUnseen, restrictsFields } from './field-rules.ts'
import { type ActiveFilters, activeFilters, joinFilters } from './prepared-query.ts'
import { isPathPartlyProjected, isPathProjected, project } from './projection.ts'
import { filterPaths } from './query-paths.ts'
import { arePathsReadable, type ReadableDocument, type ReadRequest, readDocument } from './read-document.ts'
import { type CollectionRules, selectRules } from './select-rules.ts'

/** A stored document that a caller may read, and what it sees of it. */
export interface Visible {
  /** As stored; never handed out unless `whole`. */
  readonly stored: Document
  /** As the server sent it, when it came as bytes. */
  readonly source: StoredDocument
  /** The readable part, rules' projections applied. */
  readonly view: Document
  /** The view is the whole document. */
  readonly whole: boolean
  /** The role shows the whole document, whatever projections of the rules leave of it. */
  readonly wholeByRole: boolean
}

/** A stored document that a write would touch. */
export interface Candidate {
  readonly stored: Document
  /** False when it matched through what the caller may not read. */
  readonly matchable: boolean
  readonly whole: boolean
  readonly wholeByRole: boolean
}

/** One collection as one caller may see it: the rules in force and the decisions of a single request. */
export class UserCollection {
  readonly ns: Namespace
  readonly rules: CollectionRules
  readonly scope: ExpressionScope
  readonly active: ActiveFilters
  readonly system: DataAccess

  private constructor(
    ns: Namespace,
    rules: CollectionRules,
    scope: ExpressionScope,
    active: ActiveFilters,
    system: DataAccess,
  ) {
    this.ns = ns
    this.rules = rules
    this.scope = scope
    this.active = active
    this.system = system
  }

  /** @throws {AppError} `NoMatchingRuleFound`, `ServiceNotFound` */
  static async open(runtime: Runtime, caller: Caller, system: DataAccess, ns: Namespace): Promise<UserCollection> {
    const rules = selectRules(runtime, ns)
    const scope = createScope(runtime, caller)
    return new UserCollection(ns, rules, scope, await activeFilters(rules, scope), system)
  }

  /** True when rules may hide one of these paths of a document that is visible. */
  mayHide(paths: readonly string[]): boolean {
    if (!choices.queriesSeeReadableFieldsOnly || paths.length === 0) return false
    if (!paths.every((path) => this.isProjected(path))) return true
    return this.rules.roles.some(
      (role) =>
        restrictsFields(role) &&
        role.write !== true &&
        !paths.every((path) => {
          const [top = ''] = path.split('.')
          const rule = role.fields && Object.hasOwn(role.fields, top) ? role.fields[top] : role.additional_fields
          return rule?.read === true || rule?.write === true
        }),
    )
  }

  /**
   * True when a write whose filter or order looks at these paths may choose a document by what is hidden in it: some
   * roles hide whole documents and let fields of them be written all the same.
   */
  mayChooseUnseen(paths: readonly string[]): boolean {
    return this.mayHide(paths) || (paths.length > 0 && this.rules.roles.some(mayWriteUnseen))
  }

  /** True when the projections of the rules leave all of a path. */
  isProjected(path: string): boolean {
    return this.active.projections.every((projection) => isPathProjected(projection, path))
  }

  /** True when the projections of the rules leave anything of a path. */
  isPartlyProjected(path: string): boolean {
    return this.active.projections.every((projection) => isPathPartlyProjected(projection, path))
  }

  /** True when a view may differ from its document. */
  get projects(): boolean {
    return this.active.projections.length > 0
  }

  /** The caller's filter joined with the rules'. */
  filter(filter: Document): Document {
    return joinFilters(filter, this.active.queries)
  }

  /** What the caller sees of a document; undefined when it is hidden. */
  async view(source: StoredDocument, request: ReadRequest = {}): Promise<Visible | undefined> {
    const stored = toDocument(source)
    const readable = await readDocument(this.rules.roles, this.scope, stored, request)
    return readable && this.#toVisible(readable, stored, source)
  }

  /** `view` of a document that matched a filter: hidden as well when it matched through a field that is not readable. */
  async viewMatch(source: StoredDocument, paths: readonly string[]): Promise<Visible | undefined> {
    const stored = toDocument(source)
    const readable = await readDocument(this.rules.roles, this.scope, stored)
    if (!readable || !(await this.#arePathsReadable(readable, stored, paths))) return undefined
    return this.#toVisible(readable, stored, source)
  }

  /**
   * The readable documents among those that match, in the server's order. `limit` and `skip` are the server's: a page
   * may be short. A request whose filter looks at fields that rules may hide must not pass any.
   */
  async *matches(filter: Document, options: ReadOptions): AsyncGenerator<Visible, void, undefined> {
    const paths = filterPaths(filter)
    const checked = this.mayHide(paths) ? paths : []
    const found = this.system.findEncoded(this.ns, this.filter(filter), options)
    for await (const source of found) {
      const visible = await this.viewMatch(source, checked)
      if (visible) yield visible
    }
  }

  /** Stored documents a write would touch, each with whether the caller may have matched it. */
  async *candidates(
    filter: Document,
    options: ReadOptions & { session?: ClientSession },
  ): AsyncGenerator<Candidate, void, undefined> {
    const paths = filterPaths(filter)
    const checked = this.mayChooseUnseen(paths) ? paths : []
    for await (const source of this.system.findEncoded(this.ns, this.filter(filter), options)) {
      const stored = toDocument(source)
      const visible = await this.viewMatch(source, checked)
      const matchable = checked.length === 0 || visible !== undefined
      yield { stored, matchable, whole: visible?.whole ?? false, wholeByRole: visible?.wholeByRole ?? false }
    }
  }

  async #arePathsReadable(readable: ReadableDocument, stored: Document, paths: readonly string[]): Promise<boolean> {
    if (!paths.every((path) => this.isProjected(path))) return false
    return readable.whole || arePathsReadable(readable.role, stored, paths, this.scope)
  }

  #toVisible(readable: ReadableDocument, stored: Document, source: StoredDocument): Visible {
    const view = this.active.projections.reduce(project, readable.document)
    return { stored, source, view, whole: readable.whole && !this.projects, wholeByRole: readable.whole }
  }
}
