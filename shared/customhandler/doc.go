// Package customhandler speaks the Functions host's custom-handler protocol: it decodes the host's invocations into
// messages and answers them so that the host can neither hang nor misread the answer.
//
// Wire facts come from traffic recorded from Functions host 4.1037 with Service Bus shapes of extension 5.x.
package customhandler
