import { describe, expect, it } from 'vitest'
import { Findings } from '../../../cli/app-folder/finding.ts'
import { loadAppFolder } from '../../../cli/app-folder/index.ts'
import { checkProviders } from '../../../cli/check/check-providers.ts'
import { checkApp } from '../../../cli/check/index.ts'
import type { AuthProvider } from '../../../schemas/app/definition.ts'
import { wireFolder } from '../../contract/edge-under-test.ts'

const complete: Partial<AuthProvider> = {
  config: { clientId: 'id' },
  secret_config: { clientSecret: 'secret' },
  redirect_uris: ['https://app.example/auth'],
}

async function findingsOf(type: string, settings: Partial<AuthProvider>): Promise<string[]> {
  const { definition } = await loadAppFolder(wireFolder)
  const provider = {
    name: type,
    type,
    disabled: false,
    config: {},
    secret_config: {},
    metadata_fields: [],
    ...settings,
  }
  const findings = new Findings()
  checkProviders({ ...definition, authProviders: { [type]: provider } }, findings)
  return findings.list.map(({ severity, code, message }) => `${severity} ${code}: ${message}`)
}

describe('providers of logins', () => {
  it.each<[string, string, Partial<AuthProvider>, string[]]>([
    [
      'that are complete need their callback allowed',
      'oauth2-google',
      complete,
      ['info provider-callback: logins of "oauth2-google" by redirect come back to this edge'],
    ],
    [
      'that name no page run without redirects',
      'oauth2-apple',
      { ...complete, redirect_uris: [] },
      ['info provider-callback: logins of "oauth2-apple" by redirect are refused: "redirect_uris" names no page'],
    ],
    [
      'without a client id and secret refuse',
      'oauth2-facebook',
      {},
      [
        'error provider-incomplete: "oauth2-facebook" has no "clientId": all its logins are refused',
        'error provider-incomplete: "oauth2-facebook" has no "clientSecret": all its logins are refused',
        'info provider-callback: logins of "oauth2-facebook" by redirect are refused: "redirect_uris" names no page',
      ],
    ],
    ['that are switched off need nothing', 'oauth2-google', { disabled: true }, []],
    [
      'that nobody here knows are refused',
      'oauth2-other',
      complete,
      ['error provider-unsupported: logins of "oauth2-other" are refused'],
    ],
  ])('%s', async (_, type, settings, expected) => {
    expect(await findingsOf(type, settings)).toEqual(expected)
  })

  it('names the secrets that are missing, and what that costs', async () => {
    const report = await checkApp({ appDir: wireFolder, secrets: new Set(['tokenKey', 'googleSecret']) })
    const missing = report.files
      .flatMap(({ findings }) => findings)
      .filter(({ code, file }) => code === 'secret-missing' && file === 'auth/providers.json')
    expect(missing.map(({ severity, subject, message }) => `${severity} ${subject} ${message}`)).toEqual([
      'error oauth2-facebook needs the secret "facebookSecret"; without it all its logins are refused',
      'error oauth2-apple needs the secret "appleSecret"; without it codes and redirects are refused, id tokens accepted',
    ])
  })
})
