//go:build !linux

package main

import (
	"errors"
	"slices"
	"sync"
	"time"
)

// saturate sends a request over and over on each of 16 connections, for as long as d says, and returns how long each call took.
func saturate(address string, request []byte, d time.Duration) ([]time.Duration, error) {
	var group sync.WaitGroup
	took, errs := make([][]time.Duration, connections), make([]error, connections)
	begin := time.Now()
	for i := range connections {
		group.Go(func() {
			c, err := dial(address)
			if err != nil {
				errs[i] = err
				return
			}
			defer c.close()
			for time.Since(begin) < d && errs[i] == nil {
				start := time.Now()
				errs[i] = c.call(request)
				took[i] = append(took[i], time.Since(start))
			}
		})
	}
	group.Wait()
	return slices.Concat(took...), errors.Join(errs...)
}
