"""Mail that leaves the house exists once: a row, a state, one hand-over (D16).

`plan_mail` writes the row in the transaction of its reason; `sending.send_due` hands over what is due; `sending.tend` looks after what
a killed worker left. Pure parts: `addresses`, `message` (row → bytes), `answers` (what the server said → what it means),
`maillog` (the server's log), limits in `crm.core.throttle`, `records` (SPF, DKIM, DMARC).
"""

from crm.core.mail.plan import Attachment, Recipient, plan_mail

__all__ = ["Attachment", "Recipient", "plan_mail"]
