// The defaults of prod, with a certificate, a service endpoint of Dataverse and one number tuned.
using '../main.bicep'

param environmentName = 'crosswalk-prod'
param location = 'westeurope'
param environmentType = 'prod'
param dataverseUrl = 'https://contoso.crm4.dynamics.com'
param fnoUrl = 'https://contoso.operations.dynamics.com'
param entraClientId = '11111111-0000-4000-8000-000000000001'
param credential = 'certificate'
param dataverseSendKey = true
param deployerId = '11111111-0000-4000-8000-000000000002'
param deployerType = 'ServicePrincipal'
param deployerVerifies = false
param supportGroupId = '11111111-0000-4000-8000-000000000003'
param fnoReaderId = '11111111-0000-4000-8000-000000000004'
param tuning = { INVOICE_TO_DATAVERSE_SETTLE_ATTEMPTS: '20' }
param alertEmail = 'crosswalk@contoso.example'
param teams = {
  platform: { emails: ['platform@contoso.example'] }
  'finance-integrations': { emails: ['finance@contoso.example', 'on-call@contoso.example'] }
}
param catalogUrl = 'https://git.contoso.example/crosswalk/docs/catalog'
