"""The core: access, records, audit, events, jobs, conditions, views, errors. It knows no business."""
