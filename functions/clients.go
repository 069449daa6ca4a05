package main

import (
	"fmt"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/rs/zerolog"

	"crosswalk/shared/claim"
	"crosswalk/shared/identity"
	"crosswalk/shared/link"
	"crosswalk/shared/settings"
	"crosswalk/shared/telemetry"
	"crosswalk/shared/topology"
)

// dependencies are what the functions share. Nothing is opened before its first use.
type dependencies struct {
	settings   settings.Settings
	topology   *topology.Topology
	log        zerolog.Logger
	outcomes   telemetry.Log
	credential azcore.TokenCredential // for Dataverse and F&O
	bus        *azservicebus.Client
	bodies     *claim.Store
	links      *link.Table
	now        func() time.Time
}

// connect makes the clients that the settings describe.
func connect(s settings.Settings, log zerolog.Logger) (*dependencies, error) {
	d := &dependencies{settings: s, topology: topology.Default(), log: log, outcomes: telemetry.NewLog(log), now: time.Now}
	var err error
	if d.credential, err = identity.Application(s.Entra, &identity.Options{Log: log}); err != nil {
		return nil, err
	}
	// The roles on Service Bus and storage are the managed identity's, whoever Dataverse and F&O know.
	infrastructure, err := identity.Infrastructure(s.Entra, nil)
	if err != nil {
		return nil, err
	}
	if d.bus, err = newBus(s.ServiceBus, infrastructure); err != nil {
		return nil, err
	}
	bodies, err := newContainer(s.Storage, infrastructure)
	if err != nil {
		return nil, err
	}
	d.bodies = claim.New(bodies)
	links, err := newTable(s.Storage, infrastructure)
	if err != nil {
		return nil, err
	}
	d.links = link.NewTable(links)
	return d, nil
}

func newBus(s settings.ServiceBus, credential azcore.TokenCredential) (*azservicebus.Client, error) {
	if s.ConnectionString != "" {
		c, err := azservicebus.NewClientFromConnectionString(string(s.ConnectionString), nil)
		if err != nil {
			return nil, fmt.Errorf("SERVICEBUS: no connection string of Service Bus") // the SDK's text may quote it
		}
		return c, nil
	}
	return azservicebus.NewClient(s.FullyQualifiedNamespace, credential, nil)
}

func newContainer(s settings.Storage, credential azcore.TokenCredential) (*container.Client, error) {
	if s.ConnectionString != "" {
		c, err := container.NewClientFromConnectionString(string(s.ConnectionString), claim.Container, nil)
		if err != nil {
			return nil, fmt.Errorf("STORAGE_CONNECTION_STRING: no connection string of a storage account")
		}
		return c, nil
	}
	return container.NewClient(s.BlobEndpoint+"/"+claim.Container, credential, nil)
}

func newTable(s settings.Storage, credential azcore.TokenCredential) (*aztables.Client, error) {
	if s.ConnectionString != "" {
		service, err := aztables.NewServiceClientFromConnectionString(string(s.ConnectionString), nil)
		if err != nil {
			return nil, fmt.Errorf("STORAGE_CONNECTION_STRING: no connection string of a storage account")
		}
		return service.NewClient(link.TableName), nil
	}
	return aztables.NewClient(s.TableEndpoint+"/"+link.TableName, credential, nil)
}
