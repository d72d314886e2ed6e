import { describe, expect, it } from 'vitest'
import { readIdentityProviders } from '../../../../runtime/tokens/identity-providers.ts'
import type { AppDefinition, Json } from '../../../../schemas/app/definition.ts'

const appWith = (value: Json) =>
  ({ values: [{ name: 'identityProviders', from_secret: false, value }] }) as unknown as AppDefinition
const minimal = { issuer: 'https://tenant.eu.auth0.com/', audience: 'https://api.example.com/' }

describe('the identity providers of an app', () => {
  it('have safe defaults', () => {
    expect(readIdentityProviders(appWith([minimal]))).toEqual([
      {
        ...minimal,
        audience: ['https://api.example.com/'],
        algorithms: ['RS256'],
        clockToleranceSeconds: 5,
        roleClaim: 'role',
        jwksUri: 'https://tenant.eu.auth0.com/.well-known/jwks.json',
      },
    ])
  })

  it.each<[string, Json]>([
    ['an address in the clear', [{ ...minimal, issuer: 'http://tenant.example/' }]],
    ['a key set in the clear', [{ ...minimal, jwksUri: 'http://tenant.example/jwks' }]],
    ['a name that only begins like this machine', [{ ...minimal, issuer: 'http://localhost.evil.example/' }]],
    [
      'an address with a user that looks like this machine',
      [{ ...minimal, issuer: 'http://127.0.0.1:1@evil.example/' }],
    ],
    ['no audience', [{ issuer: minimal.issuer }]],
    ['an empty list of audiences', [{ ...minimal, audience: [] }]],
    ['a symmetric algorithm', [{ ...minimal, algorithms: ['HS256'] }]],
    ['a tolerance above five seconds', [{ ...minimal, clockToleranceSeconds: 6 }]],
    ['a misspelt key', [{ ...minimal, audiences: 'https://other.example/' }]],
    ['one issuer twice', [minimal, minimal]],
    ['no list', minimal],
  ])('are refused with %s', (_, value) => {
    expect(() => readIdentityProviders(appWith(value))).toThrow(TypeError)
  })

  it('may stand on this machine in the clear', () => {
    const issuer = 'http://127.0.0.1:8080/'
    expect(readIdentityProviders(appWith([{ ...minimal, issuer }]))).toHaveLength(1)
  })
})
