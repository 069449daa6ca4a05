package verify

import (
	"context"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus/admin"

	"crosswalk/shared/topology"
)

// Deployment is what is looked at, and what it should be.
type Deployment struct {
	// Bus needs the rights to send and to listen, Admin that to manage (Azure Service Bus Data Owner).
	Bus   *azservicebus.Client
	Admin *admin.Client
	// Host is the function app's address without a path, HostKey its master key.
	Host, HostKey string
	// HTTP calls the host and the two systems; it has a time-out.
	HTTP *http.Client
	// Functions are the names of the project's functions, Topology its entities.
	Functions []string
	Topology  *topology.Topology
	// Flow is the function that probes are sent to.
	Flow string
	// RowFlow is a flow that reads rows of the Dataverse table RowTable; both are "" where there is none.
	RowFlow, RowTable string
	// Webhook is the name and route of the HTTP function.
	Webhook string
	// DataverseURL and FnOURL are the systems' addresses without a path; "" skips what is asked about them.
	DataverseURL, FnOURL string
	// FnOToken gives a token for F&O of somebody who may read there; nil where nobody is known.
	FnOToken func(context.Context) (string, error)
	// Patience is how long is waited for each thing that takes its time.
	Patience time.Duration
}

// Run asks all questions, one after the other, and reports each answer as it comes. It reports whether nothing failed.
func (d *Deployment) Run(ctx context.Context, report func(Finding)) bool {
	good := true
	for _, ask := range []func(context.Context) []Finding{
		d.host, d.functions, d.entities, d.webhook, d.passage, d.deadLetter, d.scheduledCopy, d.systems, d.missing, d.open,
	} {
		for _, f := range ask(ctx) {
			report(f)
			good = good && f.Verdict != Failed
		}
	}
	return good
}

// every is how long is waited between two looks.
const every = time.Second

// await looks until look says that it has seen enough, for Patience. It returns false when time ran out, and look's error.
func (d *Deployment) await(ctx context.Context, look func(context.Context) (bool, error)) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, d.Patience)
	defer cancel()
	for {
		seen, err := look(ctx)
		switch {
		case seen:
			return true, nil
		case ctx.Err() != nil:
			return false, nil
		case err != nil:
			return false, err
		}
		select {
		case <-ctx.Done():
			return false, nil
		case <-time.After(every):
		}
	}
}
