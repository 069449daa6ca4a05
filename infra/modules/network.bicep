// The private network: a subnet for the function app's outgoing calls, one for private endpoints, and the names that lead there.
param location string
param tags object
param networkName string

@description('At least a /24: the function app\'s subnet takes the first /26 of it, the endpoints the second.')
param addressPrefix string

param storageName string
param namespaceName string
param vaultName string

var targets = [
  {
    name: 'blob'
    type: 'Microsoft.Storage/storageAccounts'
    resource: storageName
    group: 'blob'
    zone: 'privatelink.blob.${environment().suffixes.storage}'
  }
  {
    name: 'table'
    type: 'Microsoft.Storage/storageAccounts'
    resource: storageName
    group: 'table'
    zone: 'privatelink.table.${environment().suffixes.storage}'
  }
  {
    name: 'servicebus'
    type: 'Microsoft.ServiceBus/namespaces'
    resource: namespaceName
    group: 'namespace'
    zone: 'privatelink.servicebus.windows.net'
  }
  {
    name: 'vault'
    type: 'Microsoft.KeyVault/vaults'
    resource: vaultName
    group: 'vault'
    zone: 'privatelink.vaultcore.azure.net'
  }
]

resource network 'Microsoft.Network/virtualNetworks@2024-05-01' = {
  name: networkName
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: [addressPrefix] }
    subnets: [
      {
        name: 'functions'
        properties: {
          addressPrefix: cidrSubnet(addressPrefix, 26, 0)
          delegations: [{ name: 'flex', properties: { serviceName: 'Microsoft.App/environments' } }]
        }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: cidrSubnet(addressPrefix, 26, 1)
          privateEndpointNetworkPolicies: 'Enabled'
        }
      }
    ]
  }
}

resource zone 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for t in targets: {
    name: t.zone
    location: 'global'
    tags: tags
  }
]

resource zoneLink 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for (t, i) in targets: {
    parent: zone[i]
    name: networkName
    location: 'global'
    tags: tags
    properties: { registrationEnabled: false, virtualNetwork: { id: network.id } }
  }
]

resource endpoint 'Microsoft.Network/privateEndpoints@2024-05-01' = [
  for t in targets: {
    name: 'pe-${t.name}-${networkName}'
    location: location
    tags: tags
    properties: {
      subnet: { id: '${network.id}/subnets/endpoints' }
      privateLinkServiceConnections: [
        { name: t.name, properties: { privateLinkServiceId: resourceId(t.type, t.resource), groupIds: [t.group] } }
      ]
    }
  }
]

resource zoneGroup 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-05-01' = [
  for (t, i) in targets: {
    parent: endpoint[i]
    name: 'default'
    properties: { privateDnsZoneConfigs: [{ name: t.name, properties: { privateDnsZoneId: zone[i].id } }] }
  }
]
