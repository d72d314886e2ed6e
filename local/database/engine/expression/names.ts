import { DatabaseError } from '../../errors.ts'

/** Refuses what cannot be one part of a field path. */
export function checkFieldName(name: string): void {
  if (name === '') throw new DatabaseError(15998, 'FieldPath field names may not be empty strings.')
  if (name.startsWith('$')) {
    throw new DatabaseError(
      16410,
      `FieldPath field names may not start with '$'. Consider using $getField or $setField.`,
    )
  }
  if (name.includes('\0')) throw new DatabaseError(16411, "FieldPath field names may not contain '\0'.")
}

/** Refuses what cannot name a variable; users' own begin with a lower-case letter. */
export function checkVariableName(name: string, purpose: 'use' | 'define'): void {
  if (name === '') throw new DatabaseError(16869, 'empty variable names are not allowed')
  if (purpose === 'define' && name === 'CURRENT') return
  const first = name[0]!
  const startsWell = /[a-z]/.test(first) || first.charCodeAt(0) > 127 || (purpose === 'use' && /[A-Z]/.test(first))
  if (!startsWell) {
    throw new DatabaseError(9, `'${name}' starts with an invalid character for a user variable name`)
  }
  for (const char of name) {
    if (!/[A-Za-z0-9_]/.test(char) && char.charCodeAt(0) <= 127) {
      throw new DatabaseError(9, `'${name}' contains an invalid character for a variable name: '${char}'`)
    }
  }
}
