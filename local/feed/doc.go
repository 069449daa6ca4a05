// Package feed sends the running system what D365 would send it, good and bad, and keeps the books: which event ended how
// in which function.
package feed
