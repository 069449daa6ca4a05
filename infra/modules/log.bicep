// How to find the handler's lines in Log Analytics, for alerts and workbook alike. The host passes each line of the
// handler's standard output on as a trace; shared/telemetry writes it.

@export()
@description('Table line with everything the handler wrote; its fields are those of telemetry.Record.')
var lines = 'AppTraces | where Message startswith "{" | extend line = parse_json(Message) | where isnotempty(line.outcome)'

@export()
@description('What kills the handler at its start: settings that can\'t be.')
var ends = 'AppTraces | where Message startswith "{" and Message has "the handler ends" | extend line = parse_json(Message)'

@export()
type flow = {
  function: string
  team: string
}

@export()
@description('The team that is told about a function\'s failures.')
func teamOf(flows flow[], name string) string => filter(flows, f => f.function == name)[?0].?team ?? 'platform'
