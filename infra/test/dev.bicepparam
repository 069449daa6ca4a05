// The defaults of dev, with the secretless credential.
using '../main.bicep'

param environmentName = 'crosswalk-dev'
param location = 'westeurope'
param dataverseUrl = 'https://contoso-dev.crm4.dynamics.com'
param fnoUrl = 'https://contoso-dev.operations.dynamics.com'
param entraClientId = '11111111-0000-4000-8000-000000000001'
param deployerId = '11111111-0000-4000-8000-000000000002'
param supportGroupId = '11111111-0000-4000-8000-000000000003'
param fnoReaderId = '11111111-0000-4000-8000-000000000004'
param alertEmail = 'crosswalk@contoso.example'
