// Who is told about what. An action group for each team that a contract names, and one for the platform; each work queue's
// alerts go to its flow's team, everything else to the platform. A metric alert costs some 0.10 USD a month, a log alert
// some 0.50 to 1.50 USD.
import { topologyFile } from 'topology.bicep'
import { flow, lines, ends, teamOf } from 'log.bicep'

param location string
param tags object
param namespaceName string
param vaultName string
param workspaceId string
param topology topologyFile
param flows flow[]

@description('Addresses by team.')
param teams object

@description('Who is told where a team has no address of its own.')
param alertEmail string

@description('Whether there is a certificate that can expire.')
param watchCertificate bool

var platform = 'platform'
var teamNames = union(map(flows, f => f.team), [platform])
var queues = concat(
  map(topology.functions, f => { name: f.name, team: teamOf(flows, f.name) }),
  map(topology.ingress, i => { name: i.queue, team: platform })
)

var deadLetters = map(queues, q => {
  name: 'dead-letters-${q.name}'
  description: 'Messages lie in the dead-letter queue of ${q.name}. Reason and description on each say what to do; mend and resubmit them in Service Bus Explorer.'
  team: q.team
  severity: 2
  metric: 'DeadletteredMessages'
  aggregation: 'Maximum'
  threshold: 0
  window: 'PT5M'
  frequency: 'PT5M'
  entity: q.name
})
var backlogs = map(queues, q => {
  name: 'backlog-${q.name}'
  description: 'Queue ${q.name} has not been empty for an hour: its function does not keep up, or does not run.'
  team: q.team
  severity: 2
  metric: 'ActiveMessages'
  aggregation: 'Minimum'
  threshold: 0
  window: 'PT1H'
  frequency: 'PT15M'
  entity: q.name
})
var brokerTrouble = [
  {
    name: 'service-bus-throttles'
    description: 'Service Bus turns requests away because there are too many. Messages wait and come again; if it lasts, take more messaging units, or a new environment with Premium.'
    team: platform
    severity: 3
    metric: 'ThrottledRequests'
    aggregation: 'Total'
    threshold: 0
    window: 'PT15M'
    frequency: 'PT5M'
    entity: ''
  }
  {
    name: 'service-bus-fails'
    description: 'Service Bus itself fails. Look at Azure\'s service health; messages come again by themselves.'
    team: platform
    severity: 2
    metric: 'ServerErrors'
    aggregation: 'Total'
    threshold: 10
    window: 'PT15M'
    frequency: 'PT5M'
    entity: ''
  }
  {
    name: 'topic-fills'
    description: 'Topic ${topology.topic.name} holds more than 800 MB; at 1 GB it takes no event any more. Most often nobody asks for the events in its subscription ${topology.topic.unrouted}: switch them off in their source, then receive and delete what lies there in Service Bus Explorer.'
    team: platform
    severity: 2
    metric: 'Size'
    aggregation: 'Maximum'
    threshold: 800000000
    window: 'PT1H'
    frequency: 'PT15M'
    entity: topology.topic.name
  }
]
var metricRules = concat(deadLetters, backlogs, brokerTrouble)

var platformRules = [
  {
    name: 'needs-a-person'
    description: 'A line with outcome alert: watch-forwarding found messages that could not be forwarded (not-forwarded) or that wait too long (waiting-too-long), or could not look (not-watched); or a flow wrote more records in an hour than its contract says (volume-exceeded). Its detail says what to do.'
    team: platform
    severity: 1
    query: '${lines} | where line.outcome == "alert" | project TimeGenerated, reason = tostring(line.reason), detail = tostring(line.detail)'
    operator: 'GreaterThan'
    threshold: 0
    window: 'PT10M'
    frequency: 'PT5M'
  }
  {
    name: 'abandoned'
    description: 'Messages are left to the broker because a copy, an event or an answer could not be sent, or the handler panicked. Look at the Send right and at Service Bus.'
    team: platform
    severity: 2
    query: '${lines} | where line.outcome == "abandoned" | project TimeGenerated, name = tostring(line.function), reason = tostring(line.reason), detail = tostring(line.detail)'
    operator: 'GreaterThan'
    threshold: 5
    window: 'PT15M'
    frequency: 'PT15M'
  }
  {
    name: 'handler-ends'
    description: 'The handler does not start. The line\'s reason names the setting at fault.'
    team: platform
    severity: 1
    query: '${ends} | project TimeGenerated, reason = tostring(line.reason)'
    operator: 'GreaterThan'
    threshold: 0
    window: 'PT15M'
    frequency: 'PT15M'
  }
  {
    name: 'nothing-runs'
    description: 'watch-forwarding, which runs every five minutes, has not run for half an hour: the host is down, or logs no longer arrive.'
    team: platform
    severity: 1
    query: 'AppRequests | where OperationName == "watch-forwarding" and Success == true | project TimeGenerated'
    operator: 'LessThan'
    threshold: 1
    window: 'PT30M'
    frequency: 'PT15M'
  }
  {
    name: 'daily-cap'
    description: 'The day\'s cap of logs is reached: until tomorrow there are neither logs nor alerts on them. Dead-letter alerts go on. Raise dailyCapGb or LOG_LEVEL.'
    team: platform
    severity: 2
    query: '_LogOperation | where Category =~ "Ingestion" and Detail contains "OverQuota" | project TimeGenerated, Detail'
    operator: 'GreaterThan'
    threshold: 0
    window: 'PT1H'
    frequency: 'PT1H'
  }
]
// Each team hears of its own flows; the platform of the functions that are no flow.
var flowNames = map(flows, f => f.function)
var ownFunctions = map(teamNames, team => {
  team: team
  among: team == platform
    ? '!in ("${join(flowNames, '", "')}")'
    : 'in ("${join(map(filter(flows, f => f.team == team), f => f.function), '", "')}")'
})
var failures = map(ownFunctions, own => {
  name: 'function-failures-${own.team}'
  description: 'Many invocations of the team\'s functions fail. A dead-lettered message is one failed invocation too; more of them than dead letters means crashes or time-outs: look at the host\'s log.'
  team: own.team
  severity: 2
  query: 'AppRequests | where Success == false and OperationName ${own.among} | project TimeGenerated, OperationName, ResultCode'
  operator: 'GreaterThan'
  threshold: 20
  window: 'PT15M'
  frequency: 'PT15M'
})
var throttled = map(ownFunctions, own => {
  name: 'throttled-by-a-system-${own.team}'
  description: 'Dataverse or F&O turns many calls of the team\'s functions away (429). Nothing is lost; if it lasts, lower the concurrency or ask for more capacity.'
  team: own.team
  severity: 3
  query: '${lines} | where line.kind == "throttled" and tostring(line.function) ${own.among} | project TimeGenerated, name = tostring(line.function), reason = tostring(line.reason)'
  operator: 'GreaterThan'
  threshold: 100
  window: 'PT15M'
  frequency: 'PT15M'
})
var misconfigured = map(filter(ownFunctions, own => own.team != platform), own => {
  name: 'misconfigured-${own.team}'
  description: 'A system refuses Crosswalk itself: a permission, an address or a table is missing. Messages wait for three days and go by themselves once it is put right.'
  team: own.team
  severity: 1
  query: '${lines} | where line.kind == "misconfigured" and tostring(line.function) ${own.among} | project TimeGenerated, name = tostring(line.function), reason = tostring(line.reason), detail = tostring(line.detail)'
  operator: 'GreaterThan'
  threshold: 0
  window: 'PT15M'
  frequency: 'PT15M'
})
var logRules = concat(platformRules, failures, throttled, misconfigured)

resource namespace 'Microsoft.ServiceBus/namespaces@2024-01-01' existing = { name: namespaceName }

resource actionGroup 'Microsoft.Insights/actionGroups@2023-01-01' = [
  for team in teamNames: {
    name: 'crosswalk-${team}'
    location: 'global'
    tags: tags
    properties: {
      enabled: true
      groupShortName: take(team, 12)
      emailReceivers: map(
        empty(teams[?team].?emails) ? (empty(alertEmail) ? [] : [alertEmail]) : teams[?team]!.emails,
        address => { name: address, emailAddress: address, useCommonAlertSchema: true }
      )
    }
  }
]

resource metricRule 'Microsoft.Insights/metricAlerts@2018-03-01' = [
  for r in metricRules: {
    name: r.name
    location: 'global'
    tags: tags
    properties: {
      description: r.description
      severity: r.severity
      enabled: true
      autoMitigate: true
      scopes: [namespace.id]
      evaluationFrequency: r.frequency
      windowSize: r.window
      criteria: {
        'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
        allOf: [
          {
            criterionType: 'StaticThresholdCriterion'
            name: r.metric
            metricNamespace: 'Microsoft.ServiceBus/namespaces'
            metricName: r.metric
            timeAggregation: r.aggregation
            operator: 'GreaterThan'
            threshold: r.threshold
            dimensions: empty(r.entity) ? [] : [{ name: 'EntityName', operator: 'Include', values: [r.entity] }]
            skipMetricValidation: true // a new namespace has no metrics yet
          }
        ]
      }
      actions: [{ actionGroupId: resourceId('Microsoft.Insights/actionGroups', 'crosswalk-${r.team}') }]
    }
    dependsOn: [actionGroup]
  }
]

resource logRule 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for r in logRules: {
    name: r.name
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: r.name
      description: r.description
      severity: r.severity
      enabled: true
      autoMitigate: true
      scopes: [workspaceId]
      evaluationFrequency: r.frequency
      windowSize: r.window
      skipQueryValidation: true // a new workspace has no tables yet
      criteria: {
        allOf: [
          {
            query: r.query
            timeAggregation: 'Count'
            operator: r.operator
            threshold: r.threshold
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
          }
        ]
      }
      actions: { actionGroups: [resourceId('Microsoft.Insights/actionGroups', 'crosswalk-${r.team}')] }
    }
    dependsOn: [actionGroup]
  }
]

// Key Vault publishes these 30 days ahead, for versions made after the subscription to them. They become alerts of Azure
// Monitor without any code of ours.
resource vault 'Microsoft.KeyVault/vaults@2024-11-01' existing = { name: vaultName }

resource vaultEvents 'Microsoft.EventGrid/systemTopics@2025-02-15' = if (watchCertificate) {
  name: 'evgt-${vaultName}'
  location: location
  tags: tags
  properties: { source: vault.id, topicType: 'Microsoft.KeyVault.vaults' }

  resource expiry 'eventSubscriptions' = {
    name: 'certificate-expiry'
    properties: {
      eventDeliverySchema: 'CloudEventSchemaV1_0'
      filter: {
        includedEventTypes: ['Microsoft.KeyVault.CertificateNearExpiry', 'Microsoft.KeyVault.CertificateExpired']
      }
      destination: {
        endpointType: 'MonitorAlert'
        properties: {
          severity: 'Sev1'
          description: 'The certificate with which Crosswalk signs in to Dataverse and F&O is about to expire, or has. Run crosswalk certificate ensure.'
          actionGroups: [resourceId('Microsoft.Insights/actionGroups', 'crosswalk-${platform}')]
        }
      }
    }
    dependsOn: [actionGroup]
  }
}
