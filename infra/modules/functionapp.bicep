// The function app, on Flex Consumption.
param location string
param tags object
param planName string
param siteName string
param identityName string

@description('The container that holds the deployed package.')
param packageUrl string

param componentName string
param workspaceId string
param appSettings object

@allowed([512, 2048, 4096])
param instanceMemoryMB int

@minValue(40)
@maxValue(1000)
param maximumInstanceCount int

param alwaysReady { name: string, instanceCount: int }[]
param zoneRedundant bool

@description('Subnet that outgoing calls take; empty for none.')
param subnetId string

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = { name: identityName }

resource component 'Microsoft.Insights/components@2020-02-02' existing = { name: componentName }

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: { reserved: true, zoneRedundant: zoneRedundant }
}

resource site 'Microsoft.Web/sites@2024-04-01' = {
  name: siteName
  location: location
  tags: union(tags, { 'azd-service-name': 'functions' })
  kind: 'functionapp,linux'
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${identity.id}': {} } }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    publicNetworkAccess: 'Enabled'
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    // ARM refuses what Flex Consumption doesn't have (error 51021), ftpsState and alwaysOn among it, in some regions only.
    siteConfig: { minTlsVersion: '1.2', scmMinTlsVersion: '1.2', http20Enabled: true }
    functionAppConfig: {
      // The version of runtime custom is that of Microsoft's Go sample; ARM accepts any, a wrong one fails at the host's start.
      runtime: { name: 'custom', version: '1.0' }
      deployment: {
        storage: {
          type: 'blobContainer'
          value: packageUrl
          authentication: { type: 'UserAssignedIdentity', userAssignedIdentityResourceId: identity.id }
        }
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
        alwaysReady: alwaysReady
      }
    }
  }

  resource settings 'config' = {
    name: 'appsettings'
    properties: union(appSettings, {
      APPLICATIONINSIGHTS_CONNECTION_STRING: component.properties.ConnectionString
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identity.properties.clientId};Authorization=AAD'
      AzureWebJobsStorage__clientId: identity.properties.clientId
      SERVICEBUS__clientId: identity.properties.clientId
      ENTRA_MANAGED_IDENTITY_CLIENT_ID: identity.properties.clientId
    })
  }

  // Deployment takes a token of Entra; user name and password are off.
  resource ftpLogin 'basicPublishingCredentialsPolicies' = { name: 'ftp', properties: { allow: false } }

  resource scmLogin 'basicPublishingCredentialsPolicies' = { name: 'scm', properties: { allow: false } }
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-log-analytics'
  scope: site
  properties: {
    workspaceId: workspaceId
    logs: [{ category: 'AppServiceHTTPLogs', enabled: true }]
  }
}

output defaultHostName string = site.properties.defaultHostName
