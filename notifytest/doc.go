// Package notifytest is for the tests of programs that use notify: services on
// loopback that stand in for the real ones, check what they get as strictly,
// and fail as they are told.
package notifytest
