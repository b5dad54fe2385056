package email

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

func authenticated(t *testing.T, said script) ([]string, error) {
	p := newPeer(t, said)
	c := p.channel(t, func(o *Options) { o.Username, o.Password, o.IdleSessions = "robot", "open-sesame", -1 })
	err := c.Deliver(t.Context(), delivery())
	_, _, commands := p.log()
	return commands, err
}

func TestPasswordsGoByPlainOrLogin(t *testing.T) {
	commands, err := authenticated(t, script{"EHLO": "250-relay\r\n250 AUTH LOGIN PLAIN"})
	require.NoError(t, err)
	assert.Equal(t, "AUTH PLAIN AHJvYm90AG9wZW4tc2VzYW1l", commands[1])

	login := script{"EHLO": "250-relay\r\n250 AUTH LOGIN", "AUTH": "334 VXNlcm5hbWU6", "cm9ib3Q=": "334 UGFzc3dvcmQ6", "b3Blbi1zZXNhbWU=": "235 2.7.0 ok"}
	commands, err = authenticated(t, login)
	require.NoError(t, err)
	assert.Equal(t, []string{"AUTH LOGIN", "cm9ib3Q=", "b3Blbi1zZXNhbWU="}, commands[1:4])

	for at, reply := range map[string]string{"AUTH": "504 5.5.4 no", "cm9ib3Q=": "535 5.7.8 who", "b3Blbi1zZXNhbWU=": "535 5.7.8 open-sesame is wrong"} {
		refused := map[string]string{}
		for k, v := range login {
			refused[k] = v
		}
		refused[at] = reply
		_, err := authenticated(t, refused)
		assert.Equal(t, notify.Misconfigured, classOf(t, err))
		assert.ErrorContains(t, err, "notify/email: auth: 5")
		assert.NotContains(t, err.Error(), "sesame")
	}
}

func TestARelayWithoutPasswordsIsTheOperatorsMatter(t *testing.T) {
	for _, offer := range []string{"250 relay", "250-relay\r\n250 AUTH GSSAPI"} {
		commands, err := authenticated(t, script{"EHLO": offer})
		assert.Equal(t, notify.Misconfigured, classOf(t, err))
		assert.ErrorContains(t, err, "auth: "+errNoAuth.Error())
		assert.Equal(t, []string{"EHLO acme.example"}, commands)
	}
}
