"""Other people's text: rules for it, what nobody sees in it, histories that clients bring, output as HTML."""
