// The page for support staff: dead letters, failures by reason, retries, and where to go from there.
import { topologyFile } from 'topology.bicep'
import { flow, lines, teamOf } from 'log.bicep'

param location string
param tags object
param namespaceName string
param workspaceId string
param topology topologyFile
param flows flow[]

@description('Where docs/catalog can be read, such as the folder\'s address in the repository. Empty for no links.')
param catalogUrl string

var namespaceId = resourceId('Microsoft.ServiceBus/namespaces', namespaceName)
var queueNames = concat(map(topology.functions, f => f.name), map(topology.ingress, i => i.queue))
var portal = 'https://portal.azure.com/#resource'

var functionRows = map(
  topology.functions,
  f =>
    '| [${f.name}](${portal}${namespaceId}/queues/${f.name}/overview) | ${teamOf(flows, f.name)} | ${empty(catalogUrl) ? 'docs/catalog/flows/${f.name}.md' : '[run book](${catalogUrl}/flows/${f.name}.md)'} |'
)
var ingressRows = map(
  topology.ingress,
  i => '| [${i.queue}](${portal}${namespaceId}/queues/${i.queue}/overview) | platform | read by ${i.function} |'
)

func text(name string, markdown string) object => { type: 1, name: name, content: { json: markdown } }

func table(workspaceId string, name string, title string, query string, visualization string) object => {
  type: 3
  name: name
  content: {
    version: 'KqlItem/1.0'
    title: title
    query: query
    size: 0
    timeContextFromParameter: 'period'
    queryType: 0
    resourceType: 'microsoft.operationalinsights/workspaces'
    crossComponentResources: [workspaceId]
    visualization: visualization
    noDataMessage: 'Nothing in this period.'
  }
}

func chart(namespaceId string, name string, title string, metric string, aggregation int, queues string[]) object => {
  type: 10
  name: name
  content: {
    version: 'MetricsItem/2.0'
    chartId: name
    title: title
    size: 0
    chartType: 2
    resourceType: 'microsoft.servicebus/namespaces'
    metricScope: 0
    resourceIds: [namespaceId]
    timeContextFromParameter: 'period'
    metrics: [
      {
        namespace: 'microsoft.servicebus/namespaces'
        metric: 'microsoft.servicebus/namespaces--${metric}'
        aggregation: aggregation
        splitBy: 'EntityName'
      }
    ]
    filters: [{ key: 'EntityName', operator: 0, values: queues }]
  }
}

var maximum = 3

var page = {
  version: 'Notebook/1.0'
  '$schema': 'https://github.com/Microsoft/Application-Insights-Workbooks/blob/master/schema/workbook.json'
  items: [
    text(
      'queues',
      join(
        concat(
          [
            '# Crosswalk'
            'A dead letter says on itself why it is there. Open its queue, then *Service Bus Explorer*, tab *Dead-letter*: read reason and description, mend what is at fault, and resubmit the message to the same queue. The run book tells what each reason asks for.'
            ''
            '| queue | team | |'
            '| --- | --- | --- |'
          ],
          functionRows,
          ingressRows
        ),
        '\n'
      )
    )
    {
      type: 9
      name: 'period'
      content: {
        version: 'KqlParameterItem/1.0'
        parameters: [
          {
            id: guid('period')
            version: 'KqlParameterItem/1.0'
            name: 'period'
            label: 'Period'
            type: 4
            isRequired: true
            value: { durationMs: 86400000 }
            typeSettings: {
              selectableValues: [
                { durationMs: 3600000 }
                { durationMs: 86400000 }
                { durationMs: 604800000 }
                { durationMs: 2592000000 }
              ]
              allowCustom: true
            }
          }
        ]
      }
    }
    chart(namespaceId, 'dead-letters', 'Dead letters by queue', 'DeadletteredMessages', maximum, queueNames)
    chart(namespaceId, 'waiting', 'Waiting messages by queue', 'ActiveMessages', maximum, queueNames)
    chart(namespaceId, 'scheduled', 'Messages that wait for another try', 'ScheduledMessages', maximum, queueNames)
    table(
      workspaceId,
      'dead-letter-reasons',
      'Dead letters by reason',
      '${lines} | where line.outcome == "dead-lettered" | summarize messages = count(), last = max(TimeGenerated) by name = tostring(line.function), reason = tostring(line.reason), field = tostring(line.field) | order by messages desc',
      'table'
    )
    table(
      workspaceId,
      'recent-failures',
      'The last 100 failures; the event\'s id finds the message in Service Bus Explorer',
      '${lines} | where line.outcome in ("dead-lettered", "abandoned", "alert") | project TimeGenerated, name = tostring(line.function), outcome = tostring(line.outcome), reason = tostring(line.reason), field = tostring(line.field), detail = tostring(line.detail), event = tostring(line.event), type = tostring(line.type), invocation = tostring(line.invocation) | top 100 by TimeGenerated desc',
      'table'
    )
    table(
      workspaceId,
      'retries',
      'What is tried again, and why',
      '${lines} | where line.outcome == "retry" | summarize tries = count(), events = dcount(tostring(line.event)), most = max(toint(line.attempt)), last = max(TimeGenerated) by name = tostring(line.function), kind = tostring(line.kind), reason = tostring(line.reason) | order by tries desc',
      'table'
    )
    table(
      workspaceId,
      'outcomes',
      'Outcomes over time',
      '${lines} | summarize messages = count() by outcome = tostring(line.outcome), bin(TimeGenerated, 15m)',
      'timechart'
    )
    table(
      workspaceId,
      'unrouted',
      'Events that no function asked for',
      '${lines} | where line.outcome == "published" and array_length(line.routes) == 0 | summarize events = count(), last = max(TimeGenerated) by type = tostring(line.type) | order by events desc',
      'table'
    )
    table(
      workspaceId,
      'slowest',
      'How long a message takes, in milliseconds',
      '${lines} | where line.outcome == "delivered" | summarize messages = count(), median = percentile(todouble(line.ms), 50), p95 = percentile(todouble(line.ms), 95) by name = tostring(line.function)',
      'table'
    )
  ]
  fallbackResourceIds: [workspaceId]
}

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, 'crosswalk-support')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Crosswalk: support'
    category: 'workbook'
    sourceId: workspaceId
    version: '1.0'
    serializedData: string(page)
  }
}

output id string = workbook.id
