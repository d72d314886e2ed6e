import type { FieldRule, Role } from '../../schemas/app/definition.ts'

/** The rule of a top-level field; a listed field never uses `additional_fields`. */
export function topLevelRule(role: Role, field: string): FieldRule | undefined {
  return ruleOf(role.fields, field) ?? role.additional_fields
}

/** The rule of a listed field; there are no additional fields below the top level. */
export function ruleOf(fields: Readonly<Record<string, FieldRule>> | undefined, field: string): FieldRule | undefined {
  return fields && Object.hasOwn(fields, field) ? fields[field] : undefined
}

/** True when a role may hide a document as a whole whose fields may be written one by one. */
export function mayWriteUnseen(role: Role): boolean {
  return !restrictsFields(role) && role.read !== true && (role.write === undefined || role.write === null)
}

/** True when the read permissions of a role may leave out single fields. */
export function restrictsFields(role: Role): boolean {
  return role.read === undefined || role.read === null
}
