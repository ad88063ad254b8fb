package posthog

func (c *Client) CaptureException(distinctID string, err error) error { return nil }
