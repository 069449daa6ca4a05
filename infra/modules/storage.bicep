// The storage account: the host's own blobs, the deployed package, large bodies (claim check) and the links.
param location string
param tags object
param accountName string
param packageContainer string
param claimContainer string
param linkTable string
param skuName string
param publicAccess bool

@description('Days after its last use that a large body is deleted.')
@minValue(14)
param claimCheckDays int

@description('Days that a deleted blob can be restored.')
@minValue(1)
@maxValue(365)
param softDeleteDays int

resource account 'Microsoft.Storage/storageAccounts@2024-01-01' = {
  name: accountName
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: skuName }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: publicAccess ? 'Enabled' : 'Disabled'
    networkAcls: { bypass: 'None', defaultAction: publicAccess ? 'Allow' : 'Deny' }
  }

  resource blobs 'blobServices' = {
    name: 'default'
    properties: {
      deleteRetentionPolicy: { enabled: true, days: softDeleteDays }
      containerDeleteRetentionPolicy: { enabled: true, days: softDeleteDays }
    }

    resource package 'containers' = { name: packageContainer, properties: { publicAccess: 'None' } }

    resource claims 'containers' = { name: claimContainer, properties: { publicAccess: 'None' } }
  }

  resource tables 'tableServices' = {
    name: 'default'

    resource links 'tables' = { name: linkTable }
  }

  // A body that is used again is touched, so its age starts anew (shared/claim).
  resource lifecycle 'managementPolicies' = {
    name: 'default'
    properties: {
      policy: {
        rules: [
          {
            name: 'large-bodies'
            enabled: true
            type: 'Lifecycle'
            definition: {
              filters: { blobTypes: ['blockBlob'], prefixMatch: ['${claimContainer}/'] }
              actions: { baseBlob: { delete: { daysAfterModificationGreaterThan: claimCheckDays } } }
            }
          }
        ]
      }
    }
    dependsOn: [blobs]
  }
}
