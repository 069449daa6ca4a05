// Prod in a virtual network: Premium messaging, private endpoints, no shared access key at all.
using '../main.bicep'

param environmentName = 'crosswalk-prod-private'
param location = 'westeurope'
param environmentType = 'prod'
param dataverseUrl = 'https://contoso.crm4.dynamics.com'
param fnoUrl = 'https://contoso.operations.dynamics.com'
param entraClientId = '11111111-0000-4000-8000-000000000001'
param fnoSendKey = false
param privateNetwork = true
param supportGroupId = '11111111-0000-4000-8000-000000000003'
param alertEmail = 'crosswalk@contoso.example'
