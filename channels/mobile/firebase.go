package mobile

import (
	"bytes"
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"strings"
	"time"

	"golang.org/x/oauth2/jwt"

	"github.com/bellwether-go/notify"
)

const (
	firebaseEndpoint = "https://fcm.googleapis.com"
	firebaseScope    = "https://www.googleapis.com/auth/firebase.messaging"
	googleTokens     = "https://oauth2.googleapis.com/token"
)

// project is a project of Firebase: a service account with its tokens and its
// own connections.
type project struct {
	door
	tokens         *accessTokens
	url            string
	androidChannel string
	proof          evidence
}

// serviceAccount is what we need of the key file.
type serviceAccount struct {
	Type     string `json:"type"`
	Project  string `json:"project_id"`
	KeyID    string `json:"private_key_id"`
	Key      string `json:"private_key"`
	Email    string `json:"client_email"`
	TokenURL string `json:"token_uri"`
}

func (c *Channel) addProject(field string, f Firebase) error {
	account, err := parseServiceAccount(field+".ServiceAccount", f.ServiceAccount)
	if err != nil {
		return err
	}
	if c.projects[account.Project] != nil {
		return invalid(field+".ServiceAccount", "is for a project that is there twice")
	}
	if len(f.AndroidChannel) > 190 || strings.ContainsFunc(f.AndroidChannel, notPrintable) {
		return invalid(field+".AndroidChannel", "must be printable ASCII")
	}
	way, err := c.newDoor()
	if err != nil {
		return err
	}
	endpoint, err := checkEndpoint(way, field+".Endpoint", f.Endpoint, firebaseEndpoint)
	if err != nil {
		return err
	}
	if account.TokenURL, err = checkEndpoint(way, field+".ServiceAccount", account.TokenURL, googleTokens); err != nil {
		return err
	}
	c.projects[account.Project] = &project{
		door:           way,
		url:            endpoint + "/v1/projects/" + account.Project + "/messages:send",
		androidChannel: f.AndroidChannel,
		tokens: newAccessTokens(way, &jwt.Config{
			Email: account.Email, PrivateKey: []byte(account.Key), PrivateKeyID: account.KeyID,
			Scopes: []string{firebaseScope}, TokenURL: account.TokenURL,
		}),
	}
	return nil
}

// parseServiceAccount takes nothing but the key file of a service account: what
// other credentials can name, such as commands to run and URLs to ask, has no
// place here.
func parseServiceAccount(field string, file []byte) (serviceAccount, error) {
	var a serviceAccount
	switch err := json.Unmarshal(file, &a); {
	case err != nil:
		return a, invalid(field, "is no JSON key file")
	case a.Type != "service_account":
		return a, invalid(field, "is no key file of a service account")
	case a.Project == "" || len(a.Project) > 190 || strings.Trim(a.Project, "abcdefghijklmnopqrstuvwxyz0123456789-.:") != "":
		return a, invalid(field, "has no project_id")
	case a.Email == "":
		return a, invalid(field, "has no client_email")
	}
	block, _ := pem.Decode([]byte(a.Key))
	if block == nil {
		return a, invalid(field, "has no private_key in PEM")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		if key, err = x509.ParsePKCS1PrivateKey(block.Bytes); err != nil {
			return a, invalid(field, "has a private_key that cannot be read")
		}
	}
	if _, ok := key.(*rsa.PrivateKey); !ok {
		return a, invalid(field, "has a private_key that is not RSA")
	}
	return a, nil
}

// deliver sends one message. A token that Google does not take, though it should
// be good for a while, is replaced once.
func (p *project) deliver(ctx context.Context, token string, message push) error {
	payload, err := message.fit(func(m push) any { return p.message(token, m) }, len(token))
	if err != nil {
		return permanent(err)
	}
	for again := true; ; again = false {
		bearer, err := p.tokens.get(ctx)
		if err != nil {
			return err
		}
		begun := time.Now()
		a, err := p.post(ctx, bearer.text, payload)
		switch {
		case err != nil && again && classOf(err) == notify.Temporary && p.again(ctx, begun):
			continue // Firebase knows no ids: only what has not left may go out once more
		case err != nil:
			return err
		case a.status == http.StatusOK:
			p.proof.accepted(token)
			return nil
		case again && a.status == http.StatusUnauthorized && a.code == "":
			p.tokens.drop(bearer)
			continue
		}
		return p.judge(a, token)
	}
}

func (p *project) post(ctx context.Context, bearer string, payload []byte) (answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(payload))
	if err != nil {
		return answer{}, permanent(err)
	}
	request.Header.Set("Authorization", "Bearer "+bearer)
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	return p.ask(request, readFirebase)
}
