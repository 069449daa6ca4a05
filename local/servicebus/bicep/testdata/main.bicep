// What Service Bus in Bicep can say and the local broker knows. The snapshot beside it is made of this file:
//   bicep snapshot main.bicepparam --mode overwrite --location westeurope --subscription-id 00000000-0000-0000-0000-000000000000 --tenant-id 00000000-0000-0000-0000-000000000000 --resource-group test
resource ns 'Microsoft.ServiceBus/namespaces@2024-01-01' = {
  name: 'sbns-test'
  location: 'westeurope'
  sku: { name: 'Premium', tier: 'Premium', capacity: 1 }
  properties: { disableLocalAuth: false, minimumTlsVersion: '1.2' }
}

resource late 'Microsoft.ServiceBus/namespaces/queues@2024-01-01' = {
  parent: ns
  name: 'late'
  properties: {
    lockDuration: 'PT30S'
    maxDeliveryCount: 3
    defaultMessageTimeToLive: 'P14D'
    deadLetteringOnMessageExpiration: true
    forwardDeadLetteredMessagesTo: work.name
    requiresDuplicateDetection: true
    duplicateDetectionHistoryTimeWindow: 'PT10M'
    maxSizeInMegabytes: 1024
    maxMessageSizeInKilobytes: 2048
    status: 'Active'
  }
}

resource work 'Microsoft.ServiceBus/namespaces/queues@2024-01-01' = {
  parent: ns
  name: 'jobs'
  properties: { requiresSession: false, autoDeleteOnIdle: 'P10675199DT2H48M5.4775807S' }

  resource key 'authorizationRules' = {
    name: 'jobs-send'
    properties: { rights: ['Send'] }
  }
}

resource topic 'Microsoft.ServiceBus/namespaces/topics@2024-01-01' = {
  parent: ns
  name: 'news'
  properties: { requiresDuplicateDetection: true, duplicateDetectionHistoryTimeWindow: 'PT30M', supportOrdering: true }
}

resource all 'Microsoft.ServiceBus/namespaces/topics/subscriptions@2024-01-01' = {
  parent: topic
  name: 'all'
  properties: { requiresSession: true }
}

resource some 'Microsoft.ServiceBus/namespaces/topics/subscriptions@2024-01-01' = {
  parent: topic
  name: 'some'
  properties: {
    forwardTo: work.name
    deadLetteringOnFilterEvaluationExceptions: true
  }

  resource first 'rules' = {
    name: '$Default'
    properties: {
      filterType: 'SqlFilter'
      sqlFilter: { sqlExpression: '[kind] = \'a\'' }
      action: { sqlExpression: 'SET seen = 1' }
    }
  }

  resource second 'rules' = {
    name: 'labelled'
    properties: {
      filterType: 'CorrelationFilter'
      correlationFilter: { label: 'b', properties: { region: 'north' } }
    }
  }
}

resource key 'Microsoft.ServiceBus/namespaces/AuthorizationRules@2024-01-01' = {
  parent: ns
  name: 'both'
  properties: { rights: ['Send', 'Listen'] }
}
