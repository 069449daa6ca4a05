package main

import (
	"fmt"
	"os"

	"github.com/golang-jwt/jwt/v5"
	"github.com/kelseyhightower/envconfig"

	"crosswalk/shared/schema/environment"
)

// salesforceSettings say which organisation's metadata is read, and as whom. Only crosswalk schema pull uses them.
type salesforceSettings struct {
	URL          string
	ClientID     string `split_words:"true"`
	ClientSecret string `split_words:"true"`
	Username     string
	KeyPath      string `split_words:"true"`
	Audience     string
}

// salesforceClient makes the client that the settings describe.
func salesforceClient() (*environment.Salesforce, error) {
	var s salesforceSettings
	if err := envconfig.Process("salesforce", &s); err != nil {
		return nil, err
	}
	if s.URL == "" {
		return nil, fmt.Errorf("SALESFORCE_URL is not set: it is the address of the environment to read")
	}
	app := environment.SalesforceIdentity{ClientID: s.ClientID, ClientSecret: s.ClientSecret, Username: s.Username, Audience: s.Audience}
	if s.KeyPath != "" {
		text, err := os.ReadFile(s.KeyPath)
		if err != nil {
			return nil, fmt.Errorf("SALESFORCE_KEY_PATH: %w", err)
		}
		if app.Key, err = jwt.ParseRSAPrivateKeyFromPEM(text); err != nil {
			return nil, fmt.Errorf("SALESFORCE_KEY_PATH: the file holds no RSA private key in PEM")
		}
	}
	return environment.NewSalesforce(s.URL, app, nil)
}
