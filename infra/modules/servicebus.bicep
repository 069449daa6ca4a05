// Service Bus: the namespace and all entities of the topology.
import { topologyFile, ruleSql, ruleName, unroutedSql } from 'topology.bicep'

param location string
param tags object
param namespaceName string
param topology topologyFile

@description('Premium messaging: private endpoints, firewall, messages up to 100 MB, own capacity.')
param premium bool

@description('Messaging units with Premium.')
@allowed([1, 2, 4, 8, 16])
param messagingUnits int = 1

@description('Premium spread over availability zones of the region.')
param zoneRedundant bool = false

@description('A shared access key with the Send right for F&O, on the namespace: F&O takes no other kind.')
param fnoSendKey bool

@description('A shared access key with the Send right for Dataverse, on its queue alone.')
param dataverseSendKey bool

@description('The queue that Dataverse sends to.')
param dataverseQueue string

@description('Whether the namespace can be reached from the internet.')
param publicAccess bool

@description('IPv4 ranges that may reach it; empty for all. Premium only.')
param allowedIpRanges string[] = []

@description('Log Analytics workspace for the diagnostic settings.')
param workspaceId string

var subscriptionRules = flatten(map(
  topology.functions,
  f => map(range(0, length(f.events)), i => { subscription: f.name, position: i, sql: ruleSql(f.events[i]) })
))

resource namespace 'Microsoft.ServiceBus/namespaces@2024-01-01' = {
  name: namespaceName
  location: location
  tags: tags
  sku: premium ? { name: 'Premium', tier: 'Premium', capacity: messagingUnits } : { name: 'Standard', tier: 'Standard' }
  properties: {
    disableLocalAuth: !fnoSendKey && !dataverseSendKey
    minimumTlsVersion: '1.2'
    publicNetworkAccess: publicAccess ? 'Enabled' : 'Disabled'
    zoneRedundant: premium && zoneRedundant
  }
}

resource fnoKey 'Microsoft.ServiceBus/namespaces/AuthorizationRules@2024-01-01' = if (fnoSendKey) {
  parent: namespace
  name: 'fno-send'
  properties: { rights: ['Send'] }
}

resource dataverseKey 'Microsoft.ServiceBus/namespaces/queues/authorizationRules@2024-01-01' = if (dataverseSendKey) {
  name: '${namespaceName}/${dataverseQueue}/dataverse-send'
  properties: { rights: ['Send'] }
  dependsOn: [ingressQueue]
}

resource firewall 'Microsoft.ServiceBus/namespaces/networkRuleSets@2024-01-01' = if (premium) {
  parent: namespace
  name: 'default'
  properties: {
    publicNetworkAccess: publicAccess ? 'Enabled' : 'Disabled'
    defaultAction: empty(allowedIpRanges) && publicAccess ? 'Allow' : 'Deny'
    trustedServiceAccessEnabled: false
    ipRules: [for range in allowedIpRanges: { ipMask: range, action: 'Allow' }]
    virtualNetworkRules: []
  }
}

resource ingressQueue 'Microsoft.ServiceBus/namespaces/queues@2024-01-01' = [
  for source in topology.ingress: {
    parent: namespace
    name: source.queue
    properties: {
      lockDuration: topology.queues.ingress.lockDuration
      maxDeliveryCount: topology.queues.ingress.maxDeliveryCount
      deadLetteringOnMessageExpiration: true
      requiresDuplicateDetection: false
      requiresSession: false
    }
  }
]

resource workQueue 'Microsoft.ServiceBus/namespaces/queues@2024-01-01' = [
  for f in topology.functions: {
    parent: namespace
    name: f.name
    properties: {
      lockDuration: topology.queues.work.lockDuration
      maxDeliveryCount: topology.queues.work.maxDeliveryCount
      deadLetteringOnMessageExpiration: true
      requiresDuplicateDetection: false
      requiresSession: false
    }
  }
]

resource topic 'Microsoft.ServiceBus/namespaces/topics@2024-01-01' = {
  parent: namespace
  name: topology.topic.name
  properties: {
    requiresDuplicateDetection: true
    duplicateDetectionHistoryTimeWindow: topology.topic.duplicateDetection
  }
}

// A subscription needs the queue it forwards to.
resource subscription 'Microsoft.ServiceBus/namespaces/topics/subscriptions@2024-01-01' = [
  for (f, i) in topology.functions: {
    parent: topic
    name: f.name
    properties: {
      lockDuration: topology.queues.work.lockDuration
      maxDeliveryCount: topology.queues.work.maxDeliveryCount
      deadLetteringOnMessageExpiration: true
      deadLetteringOnFilterEvaluationExceptions: true
      requiresSession: false
      forwardTo: workQueue[i].name
    }
  }
]

@batchSize(1) // Service Bus answers 409 where two change one subscription at once
resource rule 'Microsoft.ServiceBus/namespaces/topics/subscriptions/rules@2024-01-01' = [
  for r in subscriptionRules: {
    name: '${namespaceName}/${topology.topic.name}/${r.subscription}/${ruleName(r.position)}'
    properties: {
      filterType: 'SqlFilter'
      sqlFilter: { sqlExpression: r.sql }
    }
    dependsOn: [subscription]
  }
]

resource unrouted 'Microsoft.ServiceBus/namespaces/topics/subscriptions@2024-01-01' = {
  parent: topic
  name: topology.topic.unrouted
  properties: {
    lockDuration: topology.queues.work.lockDuration
    maxDeliveryCount: topology.queues.work.maxDeliveryCount
    deadLetteringOnMessageExpiration: true
    deadLetteringOnFilterEvaluationExceptions: true
    requiresSession: false
  }

  resource only 'rules' = {
    name: ruleName(0)
    properties: {
      filterType: 'SqlFilter'
      sqlFilter: { sqlExpression: unroutedSql() }
    }
  }
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-log-analytics'
  scope: namespace
  properties: {
    workspaceId: workspaceId
    logs: [{ category: 'OperationalLogs', enabled: true }]
  }
}

output id string = namespace.id
