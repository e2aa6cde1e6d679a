"""Models, versions, data sets, pipelines, and the manifest that registers them."""
