// Key Vault: the application's certificate, and the connection strings that F&O and Dataverse send with.
param location string
param tags object
param vaultName string
param namespaceName string
param dataverseQueue string

@description('A vault with it can\'t be emptied before its retention ends, by nobody.')
param purgeProtection bool

@minValue(7)
@maxValue(90)
param softDeleteDays int

@description('default, or recover for a vault of this name that was deleted and not purged.')
@allowed(['default', 'recover'])
param createMode string

param publicAccess bool
param allowedIpRanges string[]
param fnoSendKey bool
param fnoSecretName string
param dataverseSendKey bool
param dataverseSecretName string
param workspaceId string

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' = {
  name: vaultName
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: { family: 'A', name: 'standard' }
    createMode: createMode
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: softDeleteDays
    enablePurgeProtection: purgeProtection ? true : null // false is refused by the service
    enabledForDeployment: false
    enabledForDiskEncryption: false
    enabledForTemplateDeployment: false
    publicNetworkAccess: publicAccess ? 'Enabled' : 'Disabled'
    networkAcls: {
      bypass: 'None'
      defaultAction: publicAccess && empty(allowedIpRanges) ? 'Allow' : 'Deny'
      ipRules: [for range in publicAccess ? allowedIpRanges : []: { value: range }]
    }
  }
}

resource fnoKey 'Microsoft.ServiceBus/namespaces/AuthorizationRules@2024-01-01' existing = {
  name: '${namespaceName}/fno-send'
}

resource fnoSecret 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = if (fnoSendKey) {
  parent: vault
  name: fnoSecretName
  tags: tags
  properties: {
    contentType: 'Service Bus connection string, Send only, for F&O'
    value: fnoKey!.listKeys().primaryConnectionString
  }
}

resource dataverseKey 'Microsoft.ServiceBus/namespaces/queues/authorizationRules@2024-01-01' existing = {
  name: '${namespaceName}/${dataverseQueue}/dataverse-send'
}

resource dataverseSecret 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = if (dataverseSendKey) {
  parent: vault
  name: dataverseSecretName
  tags: tags
  properties: {
    contentType: 'Service Bus connection string, Send only, queue ${dataverseQueue}, for Dataverse'
    value: dataverseKey!.listKeys().primaryConnectionString
  }
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-log-analytics'
  scope: vault
  properties: {
    workspaceId: workspaceId
    logs: [{ category: 'AuditEvent', enabled: true }]
  }
}
