package main

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// shown is a letter on the page of letters.
type shown struct {
	Number      int
	To, Subject string
	Text        string
	Headers     []header
	Unsubscribe string
}

type header struct{ Name, Value string }

// letters shows what the mail server got, the newest first.
func (s *site) letters(w http.ResponseWriter, r *http.Request) {
	all := s.office.Accepted()
	list := make([]shown, 0, len(all))
	for i, l := range all {
		one := shown{Number: i, To: l.To, Subject: l.Subject, Text: l.Text}
		for name, values := range l.Header {
			for _, value := range values {
				one.Headers = append(one.Headers, header{name, value})
			}
		}
		slices.SortFunc(one.Headers, func(a, b header) int { return strings.Compare(a.Name, b.Name) })
		one.Unsubscribe, _, _ = strings.Cut(strings.TrimPrefix(l.Header.Get("List-Unsubscribe"), "<"), ">")
		list = append(list, one)
	}
	slices.Reverse(list)
	data := struct {
		All  []shown
		Open *shown
	}{All: list}
	if number, err := strconv.Atoi(r.FormValue("open")); err == nil && number >= 0 && number < len(list) {
		data.Open = &list[len(list)-1-number]
	} else if len(list) > 0 {
		data.Open = &list[0]
	}
	s.show(w, r, "letters", data)
}

// letterHTML is the HTML of a letter, in a frame that can do nothing: no script,
// no form, no request. Its links open in windows of their own.
func (s *site) letterHTML(w http.ResponseWriter, r *http.Request) {
	all := s.office.Accepted()
	number, err := strconv.Atoi(r.PathValue("number"))
	if err != nil || number < 0 || number >= len(all) {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; "+
		"sandbox allow-popups allow-popups-to-escape-sandbox")
	_, _ = w.Write([]byte(strings.Replace(all[number].HTML, "<head>", `<head><base target="_blank">`, 1)))
}

// pushed is a message on the page of the push service.
type pushed struct {
	Urgency, TTL, Topic string
	Text                string
}

// pushes shows what the push service got, decrypted as a browser does it, the
// newest first.
func (s *site) pushes(w http.ResponseWriter, r *http.Request) {
	var list []pushed
	for _, request := range slices.Backward(s.push.Accepted()) {
		text := string(request.Text)
		var message any
		if json.Unmarshal(request.Text, &message) == nil {
			indented, _ := json.MarshalIndent(message, "", "  ") // it was JSON
			text = string(indented)
		}
		list = append(list, pushed{request.Urgency, request.TTL.Round(time.Second).String(), request.Topic, text})
		if len(list) == 30 {
			break
		}
	}
	s.show(w, r, "pushes", list)
}
