import type { RuleSet } from '../../schemas/app/definition.ts'

/** Where each part of the definition was read from, for findings that only the whole app shows. */
export class Origins {
  readonly #files = new Map<string, string>()
  readonly #rules = new Map<RuleSet, string>()

  setTrigger(name: string, file: string): void {
    this.#files.set(`trigger ${name}`, file)
  }

  trigger(name: string): string {
    return this.#files.get(`trigger ${name}`) ?? `triggers/${name}.json`
  }

  setValue(name: string, file: string): void {
    this.#files.set(`value ${name}`, file)
  }

  value(name: string): string {
    return this.#files.get(`value ${name}`) ?? `values/${name}.json`
  }

  setEndpoint(method: string, route: string, file: string): void {
    this.#files.set(`endpoint ${method} ${route}`, file)
  }

  endpoint(method: string, route: string): string {
    return this.#files.get(`endpoint ${method} ${route}`) ?? 'http_endpoints/config.json'
  }

  setDataSource(name: string, folder: string): void {
    this.#files.set(`data source ${name}`, folder)
  }

  /** The folder of a data source, which need not have its name. */
  dataSource(name: string): string {
    return this.#files.get(`data source ${name}`) ?? `data_sources/${name}`
  }

  setService(name: string, folder: string): void {
    this.#files.set(`service ${name}`, folder)
  }

  /** The folder of a third-party service. */
  service(name: string): string {
    return this.#files.get(`service ${name}`) ?? `services/${name}`
  }

  setRules(rules: RuleSet, file: string): void {
    this.#rules.set(rules, file)
  }

  /** Every rule set of the app with its file, default rules included. */
  rules(): ReadonlyMap<RuleSet, string> {
    return this.#rules
  }
}
